"""The profile: language, zone of lists and digest, chosen by oneself."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Preferences, User
from jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db
TOKYO = {"language": "ja", "zone": "Asia/Tokyo", "daily_digest": "on"}


@pytest.fixture
def reader(client: Client, uma: User) -> Client:
    client.force_login(uma)
    return client


def test_what_is_chosen_is_kept_and_takes_effect_at_once(reader: Client, uma: User) -> None:
    answer = reader.post("/profile", TOKYO, follow=True)
    kept = Preferences.objects.get(user=uma)
    assert (kept.language, kept.zone, kept.daily_digest) == ("ja", "Asia/Tokyo", True)
    assert '<html lang="ja"' in answer.content.decode()


def test_lists_show_their_times_in_the_chosen_zone(reader: Client, uma: User) -> None:
    make_job(uma, expression="30 2 * * *", timezone="UTC")
    reader.cookies["zone"] = "Europe/Berlin"
    assert "Europe/Berlin" in reader.get("/jobs").content.decode()
    reader.post("/profile", {"zone": "Asia/Tokyo", "language": ""})
    page = reader.get("/jobs").content.decode()
    assert "Asia/Tokyo" in page
    assert "11:30" in page
    again = Client()
    again.force_login(uma)
    assert "Asia/Tokyo" in again.get("/jobs").content.decode()


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../etc/passwd", "<b>", "a\0b", "x" * 65])
def test_a_zone_that_there_is_not_is_refused_and_changes_nothing(
    reader: Client, uma: User, zone: str
) -> None:
    page = reader.post("/profile", {"zone": zone, "language": ""})
    assert page.status_code == 400
    assert 'aria-invalid="true"' in page.content.decode()
    assert Preferences.objects.get(user=uma).zone == ""


def test_the_page_names_role_category_and_teams(reader: Client) -> None:
    page = reader.get("/profile").content.decode()
    for label in ("Role", "Category", "Teams", "API tokens"):
        assert label in page


def test_no_choice_of_a_language_says_whose_it_is_then(reader: Client) -> None:
    assert (
        '<option value="" selected>that of your browser</option>' in reader.get("/profile").content.decode()
    )
