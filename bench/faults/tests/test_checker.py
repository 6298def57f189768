"""The checker of the fault bench finds what it is there to find."""

from __future__ import annotations

import pytest

from bench.faults.checker import Findings, Grid, Row, Trace, Watched, check, percentile

JOB = Watched("tick", (Grid(100, 10),))


def row(slot: int, state: str = "success", **changes: object) -> Row:
    return Row(**{"job": "tick", "slot": slot, "run": f"run {slot}", "state": state} | changes)  # type: ignore[arg-type]


def traces(slot: int, *, after: float = 0.5, attempt: int = 1, ends: bool = True) -> list[Trace]:
    start = Trace("start", "tick", slot, f"run {slot}", attempt, 1, slot + after)
    end = Trace("end", "tick", slot, f"run {slot}", attempt, 1, slot + after + 1)
    return [start, end] if ends else [start]


def judged(rows: list[Row], seen: list[Trace], job: Watched = JOB, end: float = 125) -> Findings:
    return check([job], rows, seen, end)


def everything() -> tuple[list[Row], list[Trace]]:
    slots = (100, 110, 120)
    return [row(slot) for slot in slots], [trace for slot in slots for trace in traces(slot)]


def test_a_kept_promise_has_no_violations() -> None:
    found = judged(*everything())
    assert found.violations == []
    assert (found.expected, found.ran, found.late) == (3, 3, [0.5, 0.5, 0.5])


def test_a_due_time_without_a_row_is_missing() -> None:
    rows, seen = everything()
    assert judged(rows[1:], seen[2:]).missing == ["tick 100"]


def test_a_run_that_started_twice_is_a_duplicate() -> None:
    rows, seen = everything()
    assert judged(rows, [*seen, seen[0]]).duplicate == ["tick 100 ran 2 times"]


def test_a_second_attempt_is_a_duplicate_unless_the_job_may_be_repeated() -> None:
    rows, seen = everything()
    again = [*seen, *traces(100, after=5, attempt=2)]
    assert judged(rows, again).duplicate
    assert not judged(rows, again, Watched("tick", JOB.grids, repeats=True)).duplicate


def test_two_rows_for_a_due_time_are_a_duplicate() -> None:
    rows, seen = everything()
    assert judged([*rows, row(100, run="other")], seen).duplicate == ["tick 100 in the ledger"]


def test_a_start_before_its_time_is_early() -> None:
    rows, seen = everything()
    assert judged(rows, seen[2:] + traces(100, after=-0.5)).early == ["tick 100 by 0.500 s"]


def test_a_row_for_no_due_time_is_unexpected() -> None:
    rows, seen = everything()
    assert judged([*rows, row(103, "missed")], seen).unexpected


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_row_that_is_still_open_is_stuck(state: str) -> None:
    rows, seen = everything()
    assert judged([row(100, state), *rows[1:]], seen).stuck


def test_a_run_that_the_ledger_calls_missed_is_a_disagreement() -> None:
    rows, seen = everything()
    assert judged([row(100, "missed"), *rows[1:]], seen).disagreement


def test_a_success_that_never_ended_is_a_disagreement() -> None:
    rows, seen = everything()
    assert judged(rows, [seen[0], *seen[2:]]).disagreement


def test_a_summarising_row_stands_for_all_its_due_times() -> None:
    assert judged([row(100, "missed", slots=3, last=120)], []).violations == []
    assert judged([row(100, "missed", slots=2, last=120)], []).unexpected


def test_runs_side_by_side_are_shown() -> None:
    rows, seen = everything()
    assert judged(rows, [*traces(100, after=10.2), *seen[2:]]).together


def test_later_due_times_are_left_alone() -> None:
    rows, seen = everything()
    assert judged([*rows, row(130)], seen).violations == []


def test_a_late_row_that_is_open_is_left_alone() -> None:
    rows, seen = everything()
    assert judged([*rows, row(130, "queued")], seen).violations == []


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([], 0.99) == 0.0
