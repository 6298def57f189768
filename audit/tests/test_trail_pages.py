"""The page of the trail: what it shows, what it can be narrowed to, its pages, and its CSV file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit import chain, export, search
from audit.models import Entry
from jobs.tests.factories import make_job
from jobs.tests.pages import browser, edits

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def page(ada: User) -> Client:
    return browser(ada)


def write(count: int = 1, **values: Any) -> list[Entry]:
    usual: dict[str, Any] = {
        "at": NOON,
        "event": "modified",
        "actor_name": "uma",
        "surface": "api",
        "object_type": "team",
        "object_id": 1,
        "object_name": "Ops",
        "changes": {"name": {"old": "Op", "new": "Ops"}},
    }
    return Entry.objects.bulk_create([Entry(**usual | values) for _ in range(count)])


def shown(page: Client, query: str = "") -> list[int]:
    answer = page.get(f"/audit{query}")
    assert answer.status_code == 200, answer.content
    return [entry.pk for entry in answer.context["page"].entries]


def test_an_entry_is_shown_with_who_when_how_and_what(page: Client) -> None:
    write(operator="op-7", address="10.0.0.9", description="renamed")
    text = page.get("/audit").content.decode()
    for word in (
        "uma",
        "op-7",
        "10.0.0.9",
        "api",
        "Ops",
        "renamed",
        "2026-03-01",
        "<pre>Op</pre>",
        "<pre>Ops</pre>",
    ):
        assert word in text, word


def test_of_objects_only_the_keys_that_differ_are_shown(page: Client) -> None:
    old = {"url": "https://same.example", "headers": {"a": 1, "b": 2}}
    write(changes={"options": {"old": old, "new": old | {"headers": {"a": 1, "b": 3}}}})
    text = page.get("/audit").content.decode()
    assert "options.headers.b" in text
    assert "same.example" not in text


def test_long_values_are_folded_and_nothing_is_executed(page: Client) -> None:
    write(
        changes={"metadata": {"old": None, "new": {f"key{n}": "<script>alert(1)</script>" for n in range(9)}}}
    )
    text = page.get("/audit").content.decode()
    assert text.count("<details") >= 2
    assert "<script>alert" not in text
    assert "&quot;key8&quot;: &quot;&lt;script&gt;" in text


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("event=deleted", {"event": "deleted"}),
        ("person=ada", {"actor_name": "ada"}),
        ("surface=command", {"surface": "command"}),
        ("kind=job", {"object_type": "job"}),
        ("q=night", {"object_name": "Nightly backup"}),
        ("q=holiday", {"description": "Holidays"}),
        ("object=00000000-0000-0000-0000-000000000007", {"object_uid": uuid.UUID(int=7)}),
        ("start=2026-03-03", {"at": NOON + dt.timedelta(days=3)}),
        ("end=2026-02-27", {"at": NOON - dt.timedelta(days=3)}),
        (
            "q=night&event=deleted&person=ada",
            {"object_name": "night", "event": "deleted", "actor_name": "ada"},
        ),
    ],
)
def test_the_trail_is_narrowed(page: Client, query: str, values: dict[str, Any]) -> None:
    write(2)
    (wanted,) = write(**values)
    assert shown(page, f"?{query}") == [wanted.pk]


@pytest.mark.parametrize(
    "query", ["event=x", "kind=x", "object=x", "start=x", "end=9999-12-31", "surface=x", f"q={'x' * 101}"]
)
def test_a_filter_that_cannot_be_read_is_told(page: Client, query: str) -> None:
    write()
    answer = page.get(f"/audit?{query}")
    assert answer.status_code == 200
    assert answer.context["form"].errors or "errorlist" in answer.content.decode()


@pytest.mark.parametrize(
    "cursor", ["x", "1", "-1", "99999999999999999999-1", "1-99999999999999999999", "1-1-older"]
)
def test_a_cursor_that_is_none_of_ours_is_404(page: Client, cursor: str) -> None:
    assert page.get("/audit", {"cursor": cursor}).status_code == 404


def test_pages_lead_through_all_entries_and_back(page: Client) -> None:
    keys = [entry.pk for entry in write(120)][::-1]
    first = page.get("/audit").context["page"]
    second = page.get(f"/audit?cursor={first.older}").context["page"]
    third = page.get(f"/audit?cursor={second.older}").context["page"]
    assert [entry.pk for one in (first, second, third) for entry in one.entries] == keys
    assert (first.newer, third.older) == ("", "")
    assert shown(page, f"?cursor={third.newer}") == keys[50:100]
    assert shown(page, f"?cursor={second.newer}") == keys[:50]


def test_the_number_of_queries_does_not_grow_with_the_trail(page: Client) -> None:
    write(2)
    page.get("/audit")
    counts = []
    for more in (1, 200):
        write(more)
        chain.seal()
        with CaptureQueriesContext(connection) as queries:
            page.get("/audit?person=uma")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_trail_is_for_administrators(uma: User, vic: User, client: Client) -> None:
    for path in ("/audit", "/audit/csv"):
        assert [browser(user).get(path).status_code for user in (uma, vic)] == [403, 403]
        assert client.get(path)["Location"].startswith("/login")


def test_a_text_is_searched_for_in_portions_and_nothing_is_passed_over(
    page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "WINDOW", 4)
    wanted = []
    for number in range(20):
        (entry,) = write(object_name="Nightly" if number % 3 == 0 else "Ops")
        wanted += [entry.pk] if number % 3 == 0 else []
    found, cursor, looks = [], "", 0
    while looks == 0 or cursor:
        shown_page = page.get("/audit", {"q": "night", "cursor": cursor}).context["page"]
        found += [entry.pk for entry in shown_page.entries]
        cursor, looks = shown_page.older, looks + 1
        assert shown_page.partly == bool(cursor)
    assert (found, looks) == (wanted[::-1], 6)
    back = page.get("/audit", {"q": "night", "cursor": shown_page.newer}).context["page"]
    assert back.newer
    assert [row["entry"] for row in table(page.get("/audit/csv?q=night"))] == [str(key) for key in found]


# One job -----------------------------------------------------------------------------------------------------------------


def test_everybody_who_sees_a_job_sees_its_history_but_no_addresses(uma: User, vic: User, ada: User) -> None:
    job = make_job(uma)
    browser(uma).post(f"/jobs/{job.uid}/pause", {"reason": "holiday"})
    text = browser(vic).get(f"/jobs/{job.uid}/history").content.decode()
    assert "holiday" in text
    assert "127.0.0.1" not in text
    assert "127.0.0.1" in browser(ada).get(f"/jobs/{job.uid}/history").content.decode()


def test_the_page_of_a_job_shows_the_latest_and_leads_to_all(uma: User) -> None:
    job = make_job(uma)
    browser(uma).post(f"/jobs/{job.uid}/edit", edits(job, name="renamed"))
    text = browser(uma).get(f"/jobs/{job.uid}").content.decode()
    assert "version 2" in text
    assert f'href="/jobs/{job.uid}/history"' in text


def test_the_history_of_a_deleted_job_is_found_in_the_trail(page: Client, ada: User) -> None:
    job = make_job(ada)
    page.post(f"/jobs/{job.uid}/delete")
    assert page.get(f"/jobs/{job.uid}/history").status_code == 404
    assert len(shown(page, f"?object={job.uid}")) == 2
    assert "Back to job" not in page.get(f"/audit?object={job.uid}").content.decode()


# CSV ---------------------------------------------------------------------------------------------------------------------


def table(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_what_is_shown_comes_as_csv_with_its_digests(page: Client) -> None:
    write(3)
    (wanted,) = write(event="deleted", description='a, "b"\nc')
    chain.seal()
    (row,) = table(page.get("/audit/csv?event=deleted"))
    assert (row["event"], row["actor"], row["description"]) == ("deleted", "uma", 'a, "b"\nc')
    assert row["time"] == "2026-03-01T12:00:00.000000+00:00"
    assert json.loads(row["changes"]) == wanted.changes
    assert row["digest"] == Entry.objects.get(pk=wanted.pk).digest


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x"])
def test_a_formula_stays_a_text_in_a_spreadsheet(page: Client, name: str) -> None:
    write(object_name=name, description=name)
    (row,) = table(page.get("/audit/csv"))
    assert (row["object_name"], row["description"]) == (f"'{name}", f"'{name}")


def test_a_file_that_does_not_hold_all_says_so(page: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST", 5)
    monkeypatch.setattr(export, "BATCH", 2)
    keys = [str(entry.pk) for entry in write(7)][::-1]
    *rows, last = table(page.get("/audit/csv"))
    assert [row["entry"] for row in rows] == keys[:5]
    assert last["time"].startswith("Only the newest 5 entries")
    assert "the newest 5" in page.get("/audit").content.decode()


def test_a_file_that_holds_exactly_as_many_as_it_may_says_nothing(
    page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST", 4)
    write(4)
    assert len(table(page.get("/audit/csv"))) == 4
