"""The trail keeps the digest of what is large, and its lists stay small also where an old entry is not."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import Entry
from audit.record import Actor, record
from audit.templatetags.trail import latest_entries

pytestmark = pytest.mark.django_db
LARGE = "x" * 900_000


def old_entry(user: User) -> Entry:
    """As it was written before what is large was left out."""
    entry = Entry(at="2026-03-01T10:00:00Z", event="modified", actor_name="ada", surface="page")
    entry.object_type, entry.object_name = "job", "nightly"
    entry.changes = {"metadata": {"old": {"a": 1}, "new": {"text": LARGE}}}
    entry.save()
    return entry


def test_an_entry_keeps_the_digest_of_what_is_large(uma: User) -> None:
    changes = {
        "metadata": {"old": {"a": 1}, "new": {"a": 2, "text": LARGE}},
        "name": {"old": "a", "new": "b"},
    }
    with transaction.atomic():
        entry = record(Entry.Event.MODIFIED, uma, by=Actor.system(), changes=changes)
    entry.refresh_from_db()
    kept = entry.changes["metadata"]
    assert (kept["old"], kept["new"]["a"], entry.changes["name"]) == ({"a": 1}, 2, {"old": "a", "new": "b"})
    assert (kept["new"]["text"]["bytes"], len(kept["new"]["text"]["sha256"])) == (900_002, 64)
    assert len(json.dumps(entry.changes)) < 1000


def test_pages_and_answers_do_not_carry_it(ada: User, client: Client) -> None:
    for _ in range(3):
        old_entry(ada)
    client.force_login(ada)
    page = client.get("/audit")
    assert page.status_code == 200
    assert len(page.content) < 200_000
    api = APIClient()
    api.force_authenticate(ada)
    answer = api.get("/api/v2/audit")
    assert len(answer.content) < 20_000
    told = answer.json()["entries"][0]["changes"]["changes"]["new"]
    assert (told["omitted"], told["bytes"] > 900_000) == (True, True)


def test_the_newest_entries_on_the_page_of_a_job_are_read_without_their_changes(ada: User) -> None:
    with transaction.atomic():
        record(Entry.Event.MODIFIED, ada, by=Actor.system(), changes={"text": {"old": None, "new": LARGE}})
    (found,) = latest_entries(ada.uid)
    assert found.get_deferred_fields() == {"changes", "snapshot"}


def test_an_export_has_all_of_it_and_is_written_while_it_is_read(ada: User, client: Client) -> None:
    for _ in range(3):
        old_entry(ada)
    client.force_login(ada)
    answer = client.get("/audit/csv")
    assert answer.streaming
    parts: Iterable[bytes] = getattr(answer, "streaming_content")  # noqa: B009
    lines = [part for part in parts if LARGE.encode() in part]
    assert len(lines) == 3
