"""A page that is opened and saved leaves the job as it is: no version, no entry, nothing converted; for every kind of job."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import Entry
from environments.models import Environment
from jobs.models import Job, stored_schedule
from jobs.tests.factories import make_job
from jobs.tests.forms import as_sent
from jobs.tests.pages import browser

FEW = examples(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
HOOK = "https://1.1.1.1/hook"
_numbers = itertools.count()


def row_of(job: Job) -> dict[str, Any]:
    return Job.objects.filter(pk=job.pk).values().get() | {"timing": Job.objects.get(pk=job.pk).timing}


def stays(user: User, job: Job) -> None:
    """Opens the form and sends it as it stands."""
    page, path = browser(user), f"/jobs/{job.uid}/edit"
    before, entries = row_of(job), Entry.objects.about(job.uid).count()
    sent = as_sent(page.get(path).content.decode(), "schedule_kind")
    answer = page.post(path, dict(sent.lists()))
    assert answer.status_code == 302, answer.context["form"].errors
    assert row_of(job) == before
    assert Entry.objects.about(job.uid).count() == entries


def made(user: User, **values: Any) -> Job:
    return make_job(user, name=f"job {next(_numbers)}", **values)


# A form could change blanks at the ends, quotes, percent escapes, line ends of any kind, signs that Python takes for one.
SIGNS = [*"ab %25\"'<>&;={}[]#,\\", "\n", "\r\n", "\r", "\t", "\u2028", "\x85", "é", "任"]
odd = st.lists(st.sampled_from(SIGNS), max_size=12).map("".join)
line = odd.map(lambda text: "".join(text.splitlines())).map(lambda text: text.replace("\t", " "))
json_value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.sampled_from([1.0, 0.1, 1e22]) | odd,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(odd, json_value, max_size=3)


@FEW
@given(
    body=st.none() | odd | json_value,
    headers=st.dictionaries(st.sampled_from(["X-A", "x-b", "Accept"]), line, max_size=3),
    texts=st.tuples(odd, odd),
    metadata=objects,
    expected=st.dictionaries(st.sampled_from(["a", "b.0"]), json_value, max_size=2),
)
def test_of_a_webhook(
    uma: User,
    body: Any,
    headers: dict[str, str],
    texts: tuple[str, str],
    metadata: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    options: dict[str, Any] = {
        "target_url": f"{HOOK}?a=%2F%c3%a9&b='x'",
        "method": "POST",
        "body": body,
        "headers": headers,
        "answer_contains": texts[0],
        "answer_lacks": texts[1],
        "answer_json": expected,
        "answer_json_lacks": expected,
        "connect_timeout": 5,
        "success_codes": "200-204, 304",
        "follow_as_get": True,
    }
    stays(
        uma, made(uma, options={k: v for k, v in options.items() if v not in (None, "")}, metadata=metadata)
    )


@FEW
@given(args=st.lists(json_value, max_size=3), code=st.sampled_from([None, True, False]))
def test_of_a_python_class(ada: User, args: list[Any], code: bool | None) -> None:
    options = {"job_class": "jobs.classes.sample.AwesomeJob", "args": args, "fail_on_exit_code": code}
    stays(ada, made(ada, kind="python_class", options=options))


@FEW
@given(
    script=odd.filter(str.strip),
    arguments=st.lists(odd, max_size=3),
    variables=st.dictionaries(st.sampled_from(["A", "B_1"]), odd, max_size=2),
)
def test_of_a_script(ada: User, script: str, arguments: list[str], variables: dict[str, str]) -> None:
    environment = Environment.objects.get_or_create(name="e", backend="pypi", defaults={"state": "ready"})[0]
    options = {"script": script, "arguments": arguments, "variables": variables}
    stays(ada, made(ada, kind="script", environment=environment.uid, options=options))


@pytest.mark.parametrize("follow", [None, True, False])
def test_of_a_workflow(uma: User, follow: bool | None) -> None:
    options = {
        "owner": "o",
        "repo": "r",
        "workflow": "w.yml",
        "ref": "main",
        "follow": follow,
        "target_url": HOOK,
    }
    stays(uma, made(uma, kind="github_actions", options=options))


@FEW
@given(description=odd)
def test_of_its_words(uma: User, description: str) -> None:
    job = made(uma)
    # As an import writes it, which no form has looked at.
    Job.objects.filter(pk=job.pk).update(description=description, name=f" odd  name {job.pk} ")
    stays(uma, job)


@pytest.mark.parametrize(
    "schedule",
    [
        {"expression": "*/5 1-3,7 * jan-mar MON", "timezone": "Europe/Berlin"},
        {"expression": "@daily"},
        {"expression": "0 2 1 * 5", "day_rule": "both"},
        {"schedule_kind": "interval", "every": 90, "period": "seconds"},
        {"schedule_kind": "once", "at": "2099-07-01T10:00:00", "timezone": "Europe/Berlin"},
        {"schedule_kind": "none"},
    ],
)
@pytest.mark.parametrize("policy", ["default", "optional"])
def test_of_its_schedule(uma: User, schedule: dict[str, Any], policy: str, settings: Settings) -> None:
    settings.JOB_END_DATE_POLICY = policy
    job = made(uma, **schedule)
    stays(uma, job)
    Job.objects.filter(pk=job.pk).update(end_date=dt.date(2099, 12, 31))
    stays(uma, job)


def test_of_what_the_form_of_a_time_does_not_show(uma: User) -> None:
    """Which of two equal hours it is when the clocks go back, and parts of a second."""
    job = made(uma, schedule_kind="once", at="2098-10-26T02:30:00", timezone="Europe/Berlin")
    late = dt.datetime(2098, 10, 26, 1, 30, 0, 250_000, tzinfo=dt.UTC)
    stored_schedule.write(job, stored_schedule.Timing("once", timezone="Europe/Berlin", at=late))
    job.save()
    stays(uma, Job.objects.get(pk=job.pk))


def test_of_a_job_whose_mail_and_followers_are_set(uma: User) -> None:
    first = made(uma)
    job = made(
        uma,
        enable_email_notifications=True,
        notification_emails=["a@example.com", "b@example.com"],
        depends_on=[{"job": str(first.uid), "on": "failure"}],
        secrets={"signing_key": "x"},
        timeout=7,
    )
    stays(uma, job)


def test_of_a_form_that_hides_what_it_does_not_need(uma: User, client: Client) -> None:
    """With JavaScript the fields of another kind of schedule are not sent at all."""
    job = made(uma, expression="0 2 * * *", timezone="Europe/Berlin")
    page, path = browser(uma), f"/jobs/{job.uid}/edit"
    sent = as_sent(page.get(path).content.decode(), "schedule_kind")
    for name in ("every", "period", "at"):
        del sent[name]
    before = row_of(job)
    assert page.post(path, dict(sent.lists())).status_code == 302
    assert row_of(job) == before
