"""Jobs of the palette: by a part of their name, and only those that one may see."""

from __future__ import annotations

import pytest

from accounts.models import Category, User
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db


def names(user: User, text: str) -> list[str]:
    return [job["name"] for job in browser(user).get("/jobs/palette", {"q": text}).json()["jobs"]]


def test_it_finds_visible_jobs_by_a_part_of_their_name(uma: User) -> None:
    make_job(uma, name="nightly backup")
    make_job(uma, name="report")
    assert names(uma, "BACK") == ["nightly backup"]
    User.objects.filter(pk=uma.pk).update(category=Category.objects.create(name="Elsewhere"))
    assert names(uma, "BACK") == []


def test_it_finds_no_more_than_twenty_and_nothing_for_nothing(uma: User) -> None:
    for number in range(21):
        make_job(uma, name=f"job {number:02}")
    assert names(uma, "job") == [f"job {number:02}" for number in range(20)]
    assert names(uma, " \0 ") == []
    assert names(uma, "%") == []
