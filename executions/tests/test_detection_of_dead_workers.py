"""A dead worker is known within 55 s, and a living one loses nothing because a renewal comes late or everybody was away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from executions.ledger import claims
from executions.models import Execution, Heartbeat
from executions.tests.conftest import Ledger
from executions.upkeep import conditions, reconcile
from executions.worker import leases
from jobs.tests.factories import make_job, moment

WITHIN = 55
NOON = moment("2026-03-01 12:00")
# All processes ask once a second whether a turn is due, and so does the lease thread.
POLL = 1
# An attempt that hangs, then connects again in vain: so long until the next one.
CONNECT = 5
ATTEMPT = leases.WAIT_SECONDS + CONNECT + POLL
# How much of a lease is left at least when an outage begins: the next renewal was just about to begin.
LEFT = claims.LEASE.total_seconds() - leases.RENEW_SECONDS - POLL


@pytest.fixture
def run(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Execution:
    """A run that is under way at noon; of a turn there is only what finds the dead."""
    monkeypatch.setattr(conditions, "look", lambda *_args, **_named: None)
    job = make_job(due="2026-03-01 11:00")
    ledger.tick("2026-03-01 11:00:01")
    ledger.claim(ledger.rows(job)[-1], "2026-03-01 11:00:02")
    return Execution.objects.get()


def after(seconds: float) -> dt.datetime:
    return NOON + dt.timedelta(seconds=seconds)


def renew(run: Execution, second: float) -> None:
    Execution.objects.filter(pk=run.pk).update(lease_until=after(second) + claims.LEASE)


def settled_turn(second: int) -> None:
    """The turns went on as usual until this one."""
    Heartbeat.objects.update_or_create(
        name="reconciler", defaults={"role": "reconciler", "at": after(second), "started_at": after(-3600)}
    )


def seconds_with_turns(first: int, last: int) -> Iterator[int]:
    """Each second of them, after somebody asked whether a turn was due."""
    for second in range(first, last + 1, POLL):
        reconcile.take_turn(after(second))
        yield second


@pytest.mark.parametrize("turn", [-9, -5, 0])
@pytest.mark.parametrize("back", [1, 10, 11, 15, 20, 21, 25, 30, 38, 42])
def test_a_worker_that_dies_is_known_in_time_also_when_everything_dies_with_it(
    run: Execution, turn: int, back: int
) -> None:
    """At noon, right after it renewed the lease; from `back` on there are processes again (1: there always were)."""
    renew(run, 0)
    settled_turn(turn)
    known = next(
        second
        for second in seconds_with_turns(back, 120)
        if Execution.objects.filter(pk=run.pk, state="lost").exists()
    )
    assert claims.LEASE.total_seconds() < known <= WITHIN


@pytest.mark.parametrize("back", [45, 600])
def test_after_a_longer_time_without_any_process_it_is_known_soon_after_the_first_is_back(
    run: Execution, back: int
) -> None:
    renew(run, 0)
    settled_turn(-5)
    known = next(
        second
        for second in seconds_with_turns(back, back + 120)
        if Execution.objects.filter(pk=run.pk, state="lost").exists()
    )
    assert known == back + reconcile.SETTLE.total_seconds()


def test_a_renewal_that_is_late_by_many_seconds_loses_nothing(run: Execution) -> None:
    """One attempt hangs for as long as it can, and the next takes long."""
    settled_turn(-5)
    last = 0
    renew(run, last)
    for second in seconds_with_turns(1, 200):
        if second == last + leases.RENEW_SECONDS + POLL + ATTEMPT + 12:
            renew(run, last := second)
        assert Execution.objects.filter(pk=run.pk, state="running").exists(), second


@pytest.mark.parametrize("turn", [-9, 0])
@pytest.mark.parametrize("back", [1, 5, 12, 19, 20, 21, 25, 30, 60, 600])
def test_an_outage_for_all_loses_no_run_of_a_worker_that_lives_through_it(
    run: Execution, turn: int, back: int
) -> None:
    """Its connection broke with the database; the renewal comes some seconds after that is back."""
    late = 8
    renew(run, LEFT - claims.LEASE.total_seconds())
    settled_turn(turn)
    for second in seconds_with_turns(back, back + 30):
        if second == back + late:
            renew(run, second)
        assert Execution.objects.filter(pk=run.pk, state="running").exists(), second


def test_after_an_outage_an_attempt_that_hangs_is_over_before_leases_are_judged() -> None:
    """The database is back by then, and one can connect."""
    assert reconcile.SETTLE.total_seconds() > ATTEMPT - CONNECT


def test_an_outage_that_counts_as_none_is_shorter_than_what_is_left_of_a_living_lease() -> None:
    assert reconcile.GAP.total_seconds() < LEFT


def test_the_connection_of_the_lease_thread_waits_less_long_than_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared: dict[str, Any] = {
        "ENGINE": "django.db.backends.mysql",
        "OPTIONS": {"read_timeout": 30, "charset": "utf8mb4"},
    }

    class Own:
        settings_dict = shared

    monkeypatch.setattr(leases, "connection", Own)
    leases.Leases("worker-1", list).step()
    assert Own.settings_dict["OPTIONS"] == {"read_timeout": 8, "write_timeout": 8, "charset": "utf8mb4"}
    assert shared["OPTIONS"]["read_timeout"] == 30
