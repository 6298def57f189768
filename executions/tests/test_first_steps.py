"""The first steps of a new installation, on the dashboard of its administrators."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Preferences, User
from jobs.tests.factories import make_job
from jobs.tests.pages import browser
from notifications.models import Alert

pytestmark = pytest.mark.django_db


def still_to_do(client: Client) -> list[str]:
    page = client.get("/").content.decode()
    listed = re.search(r'<section class="card first-steps".*?</section>', page, re.DOTALL)
    return re.findall(r'<a href="([^"]+)">', listed.group()) if listed else []


def test_each_step_leads_to_its_page_until_it_is_done(ada: User) -> None:
    client = browser(ada)
    User.objects.filter(pk=ada.pk).update(must_change_password=True)
    assert still_to_do(client) == ["/password", "/profile", "/settings/destinations", "/jobs/new"]
    User.objects.update(must_change_password=False)
    Preferences.objects.create(user=ada, zone="Europe/Berlin")
    assert still_to_do(client) == ["/settings/destinations", "/jobs/new"]
    now = timezone.now()
    for channel in (Alert.Channel.INBOX, Alert.Channel.DISCORD):
        Alert.objects.create(
            key=channel, channel=channel, state=Alert.State.DELIVERED, created_at=now, give_up_at=now
        )
    assert still_to_do(client) == ["/jobs/new"]
    make_job(ada)
    assert "First steps" not in client.get("/").content.decode()


def test_who_hides_the_list_is_asked_no_more_and_others_still_are(ada: User) -> None:
    other = User.objects.create_user("otto", role=User.Role.ADMIN)
    client = browser(ada)
    client.post("/first-steps/dismiss")
    assert still_to_do(client) == []
    assert still_to_do(browser(ada)) == []
    assert still_to_do(browser(other)) != []


def test_others_than_administrators_see_none_of_it(uma: User) -> None:
    assert "First steps" not in browser(uma).get("/").content.decode()
    assert browser(uma).post("/first-steps/dismiss").status_code == 403


def test_the_empty_list_of_jobs_mentions_the_examples(ada: User, uma: User) -> None:
    assert "make demo" in browser(ada).get("/jobs").content.decode()
    assert "make demo" not in browser(uma).get("/jobs").content.decode()
