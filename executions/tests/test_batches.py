"""While the next runs of its slots are in a worker's hands already, it claims and writes many at once; else nothing waits."""

from __future__ import annotations

import threading
import time

import pytest

from executions.ledger import claims, outcomes
from executions.ledger.outcomes import Report
from executions.models import Measurement
from executions.tests.conftest import WORKER, Ledger
from executions.values import Claim
from executions.worker import pace
from executions.worker.capacity import Capacity
from executions.worker.pace import Prefetch
from executions.worker.writer import Writer
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment

# A test that waits for longer is at fault, however slow the machine is.
PATIENCE = 30.0


def taking(capacity: Capacity, most: int) -> tuple[threading.Thread, list[int]]:
    taken: list[int] = []
    thread = threading.Thread(target=lambda: taken.append(capacity.take("code", most)), daemon=True)
    thread.start()
    return thread, taken


def is_asleep(thread: threading.Thread) -> bool:
    thread.join(0.2)
    return thread.is_alive()


def test_what_is_ahead_is_taken_again_when_half_of_it_has_begun() -> None:
    capacity = Capacity({"code": 2})
    capacity.allow_ahead("code", 8)
    assert capacity.take("code", 20) == 10
    thread, taken = taking(capacity, 20)
    capacity.give_back("code", 3)
    assert is_asleep(thread)
    capacity.give_back("code", 1)
    thread.join(PATIENCE)
    assert taken == [4]


def test_a_free_slot_is_taken_at_once() -> None:
    capacity = Capacity({"code": 2})
    assert capacity.take("code", 2) == 2
    capacity.give_back("code", 1)
    assert capacity.take("code", 2) == 1


def test_room_that_was_not_used_up_is_taken_as_it_is() -> None:
    capacity = Capacity({"code": 2})
    capacity.allow_ahead("code", 8)
    assert [capacity.take("code", 4), capacity.take("code", 4), capacity.take("code", 4)] == [4, 4, 2]


def test_the_shorter_runs_are_the_more_of_them_are_ahead_and_never_many_rounds() -> None:
    ahead = []
    for seconds in (0.2, 0.04, 0.001):
        pace = Prefetch(4)
        ahead.append([pace.ended(seconds) for _ in range(100)][-1])
    assert ahead == [4, 8, 16]


def test_after_a_long_run_nothing_is_ahead() -> None:
    pace = Prefetch(4)
    for _ in range(100):
        pace.ended(0.001)
    assert pace.ended(1.0) == 0


class Paced(Writer):
    """A writer whose last batch took long and ended just now."""

    def __init__(self, has_ahead: bool) -> None:
        super().__init__(WORKER, lambda _claims: None, self._asked)
        self.answer, self.looks = has_ahead, 0

    def _asked(self) -> bool:
        self.looks += 1
        return self.answer

    def waits(self) -> bool:
        """Whether it waits for more, however much there is already."""
        self._pace.begin()
        time.sleep(pace.BUSY / pace.PAUSES)
        self._pace.end()
        self.looks = 0
        assert self._next()
        return self.looks > 1


@pytest.fixture(autouse=True)
def _busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "BUSY", 1.0)


def a_claim(ledger: Ledger) -> Claim:
    make_job(due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00:01")
    return claims.claim([str(ledger.announced[0].uid)], WORKER, moment("2026-03-01 10:00:02"))[0]


def test_outcomes_are_gathered_while_runs_wait_for_their_slots(ledger: Ledger) -> None:
    writer = Paced(has_ahead=True)
    writer.report(a_claim(ledger), Outcome("success"))
    assert writer.waits()


def test_an_outcome_does_not_wait_where_nothing_waits_for_a_slot(ledger: Ledger) -> None:
    writer = Paced(has_ahead=False)
    writer.report(a_claim(ledger), Outcome("success"))
    assert not writer.waits()


def test_a_claim_for_which_slots_wait_is_not_kept_waiting() -> None:
    writer = Paced(has_ahead=True)
    writer.claim(["a"])
    assert not writer.waits()
    writer.claim(["b"], hurry=False)
    assert writer.waits()


def test_a_worker_that_leaves_gathers_no_more(ledger: Ledger) -> None:
    writer = Paced(has_ahead=True)
    writer.report(a_claim(ledger), Outcome("success"))
    writer.leave()
    assert not writer.waits()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_single_point_of_measurement_is_not_stored(ledger: Ledger, count: int) -> None:
    points = ((0.01, 5, 0.0), (0.2, 6, 0.1))[:count]
    outcome = Outcome("success", points=points)
    outcomes.write([Report(a_claim(ledger), outcome)], WORKER, moment("2026-03-01 10:00:10"))
    assert Measurement.objects.count() == (1 if count > 1 else 0)
