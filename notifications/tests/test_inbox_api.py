"""One's own inbox over the REST API (v2 wire facts, section 11)."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

import pytest

from accounts.models import Category, User
from conftest import Api
from jobs import verbs
from jobs.tests.factories import make_job
from notifications import inbox
from notifications.models import Notification

pytestmark = pytest.mark.django_db

URL = "/api/v2/notifications"
JAN = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def item(user: User, **values: Any) -> Notification:
    defaults: dict[str, Any] = {"title": "t", "message": "m", "type": "info", "created_at": JAN}
    return Notification.objects.create(user=user, **{**defaults, **values})


@pytest.mark.parametrize("prefix", ["/api/v2", "/api"])
def test_an_item_has_the_keys_and_formats_of_the_dialect(api: Api, vic: User, prefix: str) -> None:
    run = uuid.uuid4()
    item(vic, type="error", related_execution_uid=run, is_read=True, read_at=JAN)
    answer = api(vic).get(f"{prefix}/notifications").json()
    (found,) = answer.pop("notifications")
    assert answer == {
        "total": 1,
        "page": 1,
        "per_page": 20,
        "total_pages": 1,
        "range": {"from": None, "to": None},
    }
    assert re.fullmatch(r"[0-9a-f-]{36}", found.pop("id"))
    assert found == {
        "user_id": str(vic.uid),
        "title": "t",
        "message": "m",
        "type": "error",
        "related_job_id": None,
        "related_execution_id": str(run),
        "is_read": True,
        "read_at": "2026-01-01T12:00:00.000000+00:00",
        "created_at": "2026-01-01T12:00:00.000000+00:00",
    }


def test_pages_come_newest_first_and_are_capped(api: Api, vic: User, uma: User) -> None:
    for day in range(5):
        item(vic, title=str(day), created_at=JAN + dt.timedelta(days=day))
    item(uma, title="not mine")
    answer = api(vic).get(f"{URL}?page=2&per_page=2").json()
    assert [found["title"] for found in answer["notifications"]] == ["2", "1"]
    assert (answer["total"], answer["total_pages"]) == (5, 3)
    assert api(vic).get(f"{URL}?per_page=1000").json()["per_page"] == 100
    assert api(vic).get(f"{URL}?page=9").json()["notifications"] == []
    assert api(vic).get(f"{URL}?page=0").status_code == 422
    assert api(vic).get(f"{URL}?per_page=x").status_code == 422
    assert api().get(URL).status_code == 401


def test_filters_by_date_and_by_what_is_unread(api: Api, vic: User) -> None:
    item(vic, title="old", is_read=True)
    item(vic, title="new", created_at=JAN + dt.timedelta(days=1))
    answer = api(vic).get(f"{URL}?from=2026-01-01&to=2026-01-01").json()
    assert [found["title"] for found in answer["notifications"]] == ["old"]
    assert answer["range"] == {"from": "2026-01-01T00:00:00", "to": "2026-01-02T00:00:00"}
    unread = api(vic).get(f"{URL}?unread_only=true").json()
    assert [found["title"] for found in unread["notifications"]] == ["new"]
    counted = api(vic).get(f"{URL}/unread-count?to=2026-01-01").json()
    assert counted == {"unread_count": 0, "range": {"from": None, "to": "2026-01-02T00:00:00"}}
    assert api(vic).get(f"{URL}/unread-count").json()["unread_count"] == 1
    for query, label in (("from=x", "Invalid date"), ("from=2026-01-02&to=2026-01-01", "Invalid date range")):
        answer = api(vic).get(f"{URL}?{query}")
        assert (answer.status_code, answer.json()["error"]) == (400, label)


def test_reading_is_idempotent(api: Api, vic: User) -> None:
    found = item(vic)
    first = api(vic).put(f"{URL}/{found.uid}/read")
    second = api(vic).put(f"{URL}/{found.uid}/read")
    assert first.json()["message"] == "Notification marked as read"
    assert first.json()["notification"]["is_read"] is True
    assert first.json() == second.json()


def test_all_are_read_and_those_that_are_read_deleted(api: Api, vic: User, uma: User) -> None:
    item(vic)
    item(vic, created_at=JAN + dt.timedelta(days=3))
    item(uma)
    answer = api(vic).put(f"{URL}/read-all").json()
    assert answer == {"message": "All notifications marked as read", "updated_count": 2}
    assert api(vic).delete(f"{URL}/delete-read?to=2026-01-01").json() == {"deleted_count": 1}
    assert api(vic).delete(f"{URL}/delete-read").json() == {"deleted_count": 1}
    assert uma.notifications.filter(is_read=False).count() == 1


def test_an_item_is_deleted_once(api: Api, vic: User) -> None:
    found = item(vic)
    answer = api(vic).delete(f"{URL}/{found.uid}")
    assert (answer.status_code, answer.json()) == (200, {"message": "Notification deleted successfully"})
    answer = api(vic).delete(f"{URL}/{found.uid}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Notification not found"})


@pytest.mark.parametrize(("method", "path", "verb"), [("put", "/read", "access"), ("delete", "", "delete")])
def test_the_items_of_others_are_refused_even_to_admins(
    api: Api, ada: User, vic: User, method: str, path: str, verb: str
) -> None:
    found = item(vic)
    answer = getattr(api(ada), method)(f"{URL}/{found.uid}{path}")
    assert answer.status_code == 403
    assert answer.json() == {"error": f"Forbidden: Cannot {verb} other users notifications"}
    answer = getattr(api(ada), method)(f"{URL}/nothing{path}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Notification not found"})
    found.refresh_from_db()
    assert found.is_read is False


# What gets in --------------------------------------------------------------------------------------------------------


def titles(user: User) -> list[str]:
    return [found.title for found in user.notifications.order_by("id")]


def test_what_people_do_to_jobs_is_in_everybodys_inbox_at_once(
    api: Api, ada: User, uma: User, vic: User
) -> None:
    body = {"name": "nightly", "cron_expression": "0 2 * * *", "target_url": "https://1.1.1.1/hook"}
    uid = api(uma).post("/api/v2/jobs", body, format="json").json()["job"]["id"]
    job = f"/api/v2/jobs/{uid}"
    for change in ({"name": "weekly"}, {"is_active": False}, {"is_active": True}):
        assert api(uma).put(job, change, format="json").status_code == 200
    assert api(uma).delete(job).status_code == 200
    expected = ["New Job Created", "Job Updated", "Job Disabled", "Job Enabled", "Job Deleted"]
    for user in (ada, uma, vic):
        assert titles(user) == expected
    created, *_others, deleted = vic.notifications.order_by("id")
    assert created.message == "Job 'nightly' was created by uma@example.com"
    assert deleted.type == "warning"
    assert {found.related_job_uid for found in vic.notifications.all()} == {None}


def test_who_does_not_see_a_category_does_not_hear_of_its_jobs(uma: User, vic: User, ada: User) -> None:
    vic.category = ada.category = Category.objects.create(name="Refund team")
    vic.save()
    ada.save()
    make_job(uma)
    assert titles(vic) == []
    assert titles(ada) == titles(uma) == ["New Job Created"]


def test_a_job_that_cannot_be_scheduled_is_told_to_its_owner_and_the_admins(
    ada: User, uma: User, vic: User
) -> None:
    job = make_job(uma)
    Notification.objects.all().delete()
    verbs.quarantine(job, "no such zone")
    assert titles(ada) == titles(uma) == ["Job Cannot Be Scheduled"]
    assert titles(vic) == []
    assert uma.notifications.get().message == "Job 'hourly' cannot be scheduled: no such zone"


def test_a_deleted_account_takes_its_inbox_along(vic: User) -> None:
    item(vic)
    vic.delete()
    assert not Notification.objects.exists()


def test_the_recipients_of_an_alert_are_found_by_id_or_by_category(ada: User, uma: User, vic: User) -> None:
    vic.category = Category.objects.create(name="Refund team")
    vic.save()
    assert set(inbox.everybody(Category.general().pk)) == {ada, uma}
    assert set(inbox.responsible(uma.pk)) == {ada, uma}
    assert set(inbox.responsible(None)) == {ada}
