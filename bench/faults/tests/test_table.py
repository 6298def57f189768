"""The table of the document, made of recorded trials."""

from __future__ import annotations

from typing import Any

from bench.faults.table import table


def recorded(**values: Any) -> dict[str, Any]:
    usual = {"fault": "deploy", "stack": "sqlite", "fast": True, "at": 1, "notes": [], "violations": []}
    found = {"due": 42, "ran": 40, "late": {"max": 1.25}, "states": {"success": 40, "skipped/coalesced": 2}}
    return usual | found | values


def test_a_cell_shows_what_ran_and_the_largest_delay() -> None:
    *_, row = table([recorded()])

    assert row == "| deploy | 40/42 · 1.2 |  |  |  | 2 coalesced |"


def test_the_newest_trial_of_a_cell_counts() -> None:
    *_, row = table([recorded(at=2, ran=41), recorded(at=1)])

    assert "41/42" in row


def test_the_stacks_of_a_row_share_the_ends_that_were_no_success() -> None:
    states = {"success": 30, "skipped/coalesced": 9, "lost/lost": 1}
    *_, row = table([recorded(), recorded(stack="postgres-redis", states=states)])

    assert row.endswith("| 1 lost, 2–9 coalesced |")


def test_what_broke_a_guarantee_is_in_the_cell() -> None:
    *_, row = table([recorded(violations=["stuck: a 17 queued", "stuck: b 18 queued"])])

    assert "40/42 · 1.2, 2 stuck" in row


def test_a_trial_in_full_length_has_a_star() -> None:
    *_, row = table([recorded(fast=False)])

    assert "40/42 · 1.2 *" in row


def test_a_trial_that_cannot_be_had_there_is_not_applicable() -> None:
    told = {"fault": "database-down", "stack": "sqlite", "fast": True, "at": 1, "violations": []}
    *_, row = table([told | {"notes": ["unavailable here: SQLite is a file"]}])

    assert row.startswith("| database-down | n/a |")
