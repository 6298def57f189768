"""Whose turn it is to reconcile: asked only when a turn may be due."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from executions.models import Heartbeat
from executions.upkeep import reconcile
from executions.upkeep.reconcile import EVERY, Turns, take_turn, wait_for_turn
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


@pytest.mark.parametrize("skew", [1, 12, 19, 31, 300])
def test_hosts_whose_clocks_differ_do_not_keep_each_other_from_settling(skew: int) -> None:
    """Such as of an older version, which goes by its own clock: the turns of the others settle all the same."""
    take_turn(NOON)
    began = Heartbeat.objects.get(name="reconciler").started_at
    for second in range(11, 60, 11):
        now = NOON + dt.timedelta(seconds=second)
        Heartbeat.objects.filter(name="reconciler").update(at=now - EVERY + dt.timedelta(seconds=skew))
        take_turn(now)
        assert Heartbeat.objects.get(name="reconciler").started_at == began


def test_a_small_step_back_of_the_clock_is_no_gap() -> None:
    take_turn(NOON)
    take_turn(NOON + dt.timedelta(seconds=40))
    settling = Heartbeat.objects.get(name="reconciler").started_at
    take_turn(NOON + dt.timedelta(seconds=60))
    assert take_turn(NOON + dt.timedelta(seconds=45))
    assert Heartbeat.objects.get(name="reconciler").started_at == settling
