"""The table of the document, made of recorded trials."""

from __future__ import annotations

from typing import Any

from bench.faults.table import merged, table


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


def test_a_trial_that_was_given_an_extent_tells_it() -> None:
    *_, row = table([recorded(extent="6 min", fast=False)])

    assert "40/42 · 1.2 (6 min) |" in row


DOCUMENT = """before

| fault | S | PR | MR | PQ | instead of running |
|---|---|---|---|---|---|
| deploy | n/a | 1/1 | 2/2 ° |  | 5 coalesced, 1–3 lost |
| other | 3/3 |  |  |  |  |

after
"""


def test_records_go_into_the_table_of_a_document_and_other_cells_stay() -> None:
    text = merged(DOCUMENT, [recorded(stack="mariadb-redis")])

    assert "| deploy | n/a | 1/1 | 40/42 · 1.2 |  | 2–5 coalesced, 1–3 lost |" in text
    assert text.replace("40/42 · 1.2", "2/2 °").replace("2–5 coalesced", "5 coalesced") == DOCUMENT


def test_with_a_record_for_each_cell_the_last_column_is_theirs_alone() -> None:
    stacks = ("postgres-redis", "mariadb-redis", "postgres-rabbitmq")

    assert "| 2 coalesced |" in merged(DOCUMENT, [recorded(stack=stack) for stack in stacks])
