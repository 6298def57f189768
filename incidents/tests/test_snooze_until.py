"""Snoozing until a time: as the reader's clock shows it; and the way back to where the button stood."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from incidents.models import Incident
from incidents.tests.factories import concerned, fail
from scheduler_site.lib import clock

pytestmark = pytest.mark.django_db
SOME_DAY = (timezone.now() + dt.timedelta(days=2)).strftime("%Y-%m-%d")


@pytest.fixture
def reader(client: Client, uma: User) -> Client:
    client.force_login(uma)
    client.cookies["zone"] = "Asia/Tokyo"
    return client


def test_until_is_meant_in_the_zone_that_the_page_names(reader: Client) -> None:
    incident = fail(clock.now())
    page = reader.get(f"/incidents/{incident.uid}").content.decode()
    assert "Or until (Asia/Tokyo)" in page
    reader.post(f"/incidents/{incident.uid}/snooze", {"hours": "1", "until": f"{SOME_DAY}T09:00"})
    incident.refresh_from_db()
    assert incident.snoozed_until == dt.datetime.fromisoformat(f"{SOME_DAY}T00:00+00:00")
    assert f"Until {SOME_DAY} 09:00 (Asia/Tokyo)" in reader.get(f"/incidents/{incident.uid}").content.decode()


@pytest.mark.parametrize("until", ["2020-01-01T00:00", "2199-01-01T00:00", "9999-12-31T23:59", "soon"])
def test_a_time_that_cannot_be_meant_is_refused_beside_its_field(reader: Client, until: str) -> None:
    incident = fail(clock.now())
    answer = reader.post(f"/incidents/{incident.uid}/snooze", {"hours": "1", "until": until})
    assert answer.status_code == 400
    assert list(answer.context["snooze_form"].errors) == ["until"]
    assert f'value="{until}"' in answer.content.decode()
    assert Incident.objects.get(pk=incident.pk).state == Incident.State.OPEN


def test_acknowledging_leads_back_to_where_the_button_stood(reader: Client) -> None:
    for number, place in enumerate(("/", "/incidents?show=open")):
        incident = fail(clock.now(), concerned(uid=uuid.UUID(int=number + 7)))
        answer = reader.post(f"/incidents/{incident.uid}/acknowledge", {"next": place})
        assert answer.headers["Location"] == place
    elsewhere = reader.post(f"/incidents/{fail(clock.now()).uid}/acknowledge", {"next": "https://evil.test/"})
    assert elsewhere.headers["Location"].startswith("/incidents/")
