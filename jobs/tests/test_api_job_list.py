"""The list of all jobs says of each what reading it alone says, and costs the same few statements however many there are."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from accounts.models import Category, Team, User
from audit.record import Actor
from conftest import Api
from executions.models import State
from executions.tests.test_page_list import make_run
from jobs import verbs
from jobs.models import Dependency, Job
from jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db


def jobs_of_every_sort(ada: User, uma: User) -> list[Job]:
    team, other = Team.objects.create(name="Ops"), Category.objects.create(name="Other")
    cron = make_job(ada, name="cron", team=team.pk, metadata={"a": "é", "n": [1, None, True]})
    paused = make_job(uma, name="paused", category=other.pk, expression="0 9 * * mon-fri")
    verbs.pause(
        paused, by=Actor(uma, "api"), reason="holidays", until=dt.datetime.now(dt.UTC) + dt.timedelta(days=9)
    )
    interval = make_job(uma, name="interval", schedule_kind="interval", every=90, period="seconds")
    once = make_job(uma, name="once", schedule_kind="once", at="2099-03-29T03:00", timezone="Europe/Berlin")
    manual = make_job(uma, name="manual", schedule_kind="none", secrets={"signing_key": "canary-4711"})
    workflow = {"owner": "o", "repo": "r", "workflow": "w.yml"}
    github = make_job(ada, name="github", kind="github_actions", options=workflow)
    damaged = make_job(ada, name="damaged", expression="5 5 5 5 *")
    task = PeriodicTask.objects.values_list("crontab_id", flat=True).get(pk=damaged.periodic_task_id)
    CrontabSchedule.objects.filter(pk=task).update(minute="x")
    nobodys = make_job(None, name="nobodys", end_date="2030-01-02")
    Job.objects.filter(pk=nobodys.pk).update(owner=None)
    Dependency.objects.create(job=cron, after=github, on="finish")
    Dependency.objects.create(job=cron, after=once, on="failure")
    make_run(interval, state=State.SUCCESS, started_at=dt.datetime(2026, 3, 1, 10, 0, 0, 123456, dt.UTC))
    return [cron, paused, interval, once, manual, github, damaged, nobodys]


def test_each_job_is_told_as_it_is_when_it_is_read_alone(api: Api, ada: User, uma: User) -> None:
    jobs = jobs_of_every_sort(ada, uma)
    answer = api(ada).get("/api/v2/jobs")
    listed = answer.json()["jobs"]
    assert [job["name"] for job in listed] == [job.name for job in reversed(jobs)]
    for entry in listed:
        alone = api(ada).get(f"/api/v2/jobs/{entry['id']}").json()["job"]
        # The one difference of the dialect: milliseconds here, microseconds there (wire facts 1.2).
        last = alone["last_execution_at"]
        alone["last_execution_at"] = f"{last[:-3]}Z" if last else None
        assert json.dumps(entry) == json.dumps(alone)
    assert "canary" not in answer.content.decode()


def test_a_reader_of_one_category_sees_no_others(api: Api, ada: User, uma: User, vic: User) -> None:
    jobs_of_every_sort(ada, uma)
    vic.category = Category.objects.get(name="Other")
    vic.save()
    assert [job["name"] for job in api(vic).get("/api/v2/jobs").json()["jobs"]] == ["paused"]


def test_a_hundred_jobs_cost_as_many_statements_as_a_few(api: Api, ada: User, uma: User) -> None:
    jobs_of_every_sort(ada, uma)
    counts = []
    for made in (0, 92):
        for number in range(made):
            make_job(uma, name=f"job {number}")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert api(ada).get("/api/v2/jobs").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_no_jobs_are_an_empty_list(api: Api, ada: User) -> None:
    assert api(ada).get("/api/v2/jobs").json() == {"count": 0, "jobs": []}
