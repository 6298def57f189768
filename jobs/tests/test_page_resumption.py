"""What the pages say of a paused job: when it resumes, and when it runs after that; never times at which it will not run."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from accounts.models import User
from audit.record import Actor
from jobs import verbs
from jobs.models import Job
from jobs.tests.factories import make_job

SIX = dt.datetime(2099, 3, 1, 6, 0, tzinfo=dt.UTC)


def words(client: Client, uma: User, address: str) -> str:
    client.force_login(uma)
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(re.sub("<[^>]*>", " ", response.content.decode()).split())


def paused(uma: User, until: dt.datetime | None) -> Job:
    job = make_job(uma, expression="5 * * * *")
    verbs.pause(job, by=Actor(uma, "page"), until=until)
    return job


def test_the_page_of_a_job_says_when_it_resumes_and_runs_again(client: Client, uma: User) -> None:
    text = words(client, uma, f"/jobs/{paused(uma, SIX).uid}")
    assert "Resumes 2099-03-01 06:00:00 UTC · Next run 2099-03-01 06:05:00 UTC" in text
    assert "Resumes 2099-03-01 06:00:00 UTC , next run 2099-03-01 06:05:00 UTC ." in text
    assert "07:05" not in text


def test_the_form_of_a_paused_job_announces_no_run_before_it_is_resumed(client: Client, uma: User) -> None:
    address = f"/jobs/{paused(uma, SIX).uid}/edit"
    entered = (
        f"/jobs/preview?job={address.split('/')[2]}&schedule_kind=cron&expression=15+*+*+*+*&timezone=UTC"
    )
    for shown, first in ((address, "06:05:00"), (entered, "06:15:00")):
        text = words(client, uma, shown)
        assert f"Resumes 2099-03-01 06:00:00 UTC . Runs after that: Sun 2099-03-01 {first} UTC" in text
        assert (
            f"{dt.datetime.now(dt.UTC):%Y}-"
            not in text.split("Runs after that:")[0].split("minutes past")[-1]
        )


def test_the_form_of_a_job_that_is_paused_for_good_announces_none(client: Client, uma: User) -> None:
    text = words(client, uma, f"/jobs/{paused(uma, None).uid}/edit")
    assert "No runs until the job is resumed." in text


def test_the_list_says_so_too(client: Client, uma: User) -> None:
    paused(uma, SIX)
    client.force_login(uma)
    client.cookies["zone"] = "UTC"
    page = client.get("/jobs").content.decode()
    assert "until Sun 2099-03-01 06:00 by uma" in page
    assert 'title="until Sun 2099-03-01 06:00 by uma · Next run Sun 2099-03-01 06:05"' in page


def test_without_an_end_of_the_pause_no_runs_are_announced(client: Client, uma: User) -> None:
    job = paused(uma, None)
    text = words(client, uma, f"/jobs/{job.uid}")
    assert "No runs until the job is resumed." in text
    assert f"{dt.datetime.now(dt.UTC):%Y}-" not in text.split("Schedule")[-1].split("Settings")[0]


@pytest.mark.parametrize("expression", ["5 * * * *", "0 0 29 2 *"])
def test_a_pause_of_millennia_is_shown_as_well(client: Client, uma: User, expression: str) -> None:
    job = make_job(uma, expression=expression)
    verbs.pause(job, by=Actor(uma, "page"), until=dt.datetime(8999, 12, 31, 23, 59, tzinfo=dt.UTC))
    assert "Resumes 8999-12-31" in words(client, uma, f"/jobs/{job.uid}")
