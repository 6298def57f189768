"""Whose turn it is to reconcile: asked only when a turn may be due."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from executions import reconcile
from executions.models import Heartbeat
from executions.reconcile import EVERY, Turns, take_turn, wait_for_turn
from jobs.tests.factories import moment

pytestmark = pytest.mark.django_db
NOON = moment("2026-03-01 12:00")


def test_the_first_to_ask_takes_the_turn_and_the_others_ask_no_more(django_assert_num_queries: Any) -> None:
    first, second = Turns(), Turns()
    assert first.take()
    assert (first.take(), second.take()) == (False, False)
    with django_assert_num_queries(0):
        assert (first.take(), second.take()) == (False, False)


@pytest.mark.parametrize(
    ("passed", "wait"),
    [(0, 10.0), (4, 6.0), (10, 0.0), (7200, 0.0), (-5, 10.0), (-7200, 0.0)],
)
def test_the_wait_ends_with_the_period_whatever_the_clock_does(passed: int, wait: float) -> None:
    take_turn(NOON)
    assert wait_for_turn(NOON + dt.timedelta(seconds=passed)) == wait


def test_without_a_turn_ever_there_is_no_wait() -> None:
    assert wait_for_turn(NOON) == 0.0


def test_a_turn_that_fails_is_not_repeated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "reconcile", lambda *_args, **_named: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        take_turn(NOON)
    assert Heartbeat.objects.get(name="reconciler").at == NOON
    assert wait_for_turn(NOON) == EVERY.total_seconds()
