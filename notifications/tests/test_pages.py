"""The inbox and the list of alerts as pages."""

from __future__ import annotations

import uuid

import pytest

from accounts.models import User
from jobs.tests.pages import browser
from notifications.models import Alert
from notifications.tests.test_deliver import by_mail
from notifications.tests.test_inbox_api import item

pytestmark = pytest.mark.django_db


def test_the_menu_counts_what_is_unread_but_not_what_people_did_to_jobs(vic: User) -> None:
    assert ">Notifications</a>" in browser(vic).get("/jobs").content.decode()
    for _ in range(3):
        item(vic)
    item(vic, title="Job Updated")
    assert ">Notifications (3)</a>" in browser(vic).get("/jobs").content.decode()


def test_what_people_did_to_jobs_stands_under_activity(vic: User) -> None:
    item(vic, title="Job Updated")
    item(vic, title="Job Failed")
    assert [one.title for one in browser(vic).get("/notifications").context["page"]] == ["Job Failed"]
    activity = browser(vic).get("/notifications?show=activity").context["page"]
    assert [one.title for one in activity] == ["Job Updated"]


def test_opening_an_item_reads_it(vic: User) -> None:
    run, plain = uuid.uuid4(), item(vic)
    found = item(vic, related_execution_uid=run)
    opened = browser(vic).post(f"/notifications/{found.uid}/open")
    assert (opened.status_code, opened["Location"]) == (302, f"/executions/{run}")
    found.refresh_from_db()
    assert found.is_read is True
    assert browser(vic).post(f"/notifications/{plain.uid}/open")["Location"] == "/notifications"


def test_an_item_is_shown_as_text_and_read_and_deleted(vic: User) -> None:
    found = item(vic, title="<b>Job</b>", message="line one\n<script>")
    page = browser(vic).get("/notifications").content.decode()
    assert "&lt;b&gt;Job&lt;/b&gt;" in page
    assert "line one<br>&lt;script&gt;" in page
    browser(vic).post(f"/notifications/{found.uid}/read")
    found.refresh_from_db()
    assert found.is_read is True
    assert list(browser(vic).get("/notifications?show=unread").context["page"]) == []
    browser(vic).post(f"/notifications/{found.uid}/delete")
    assert not vic.notifications.exists()


def test_all_are_read_then_deleted(vic: User, uma: User) -> None:
    item(vic)
    item(vic)
    item(uma)
    browser(vic).post("/notifications/read-all")
    page = browser(vic).post("/notifications/delete-read", follow=True)
    assert "2 notifications have been deleted." in page.content.decode()
    assert (vic.notifications.count(), uma.notifications.count()) == (0, 1)


def test_the_items_of_others_are_not_there(vic: User, ada: User) -> None:
    found = item(vic)
    for verb in ("read", "delete"):
        assert browser(ada).post(f"/notifications/{found.uid}/{verb}").status_code == 404
    assert browser(vic).get(f"/notifications/{found.uid}/read").status_code == 405
    assert vic.notifications.filter(is_read=False).exists()


def test_alerts_are_listed_by_state_and_can_be_sent_again(ada: User, uma: User) -> None:
    alert = by_mail()
    Alert.objects.update(state="undeliverable", last_error="no mail server is configured")
    page = browser(ada).get("/alerts?state=undeliverable").content.decode()
    assert "no mail server is configured" in page
    assert "It failed: nightly" not in browser(ada).get("/alerts?state=delivered").content.decode()
    assert browser(uma).post(f"/alerts/{alert.uid}/again").status_code == 403
    page = browser(ada).post(f"/alerts/{alert.uid}/again", follow=True).content.decode()
    assert "The alert will be sent again." in page
    alert.refresh_from_db()
    assert alert.state == "pending"
