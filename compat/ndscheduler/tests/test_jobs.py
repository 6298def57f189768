"""`/jobs`: what clients send, and the jobs that come of it."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import time_machine
from django.test import Client
from django_celery_beat.models import CrontabSchedule
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import Category, User
from audit.models import Entry
from audit.record import Actor
from jobs import verbs
from jobs.forms.job import JobForm, form_data
from jobs.models import Job, today

from .conftest import AWESOME, BODY, HEX, V1, Speak, native_job, pause, told, trail

SCHEDULE = ("month", "day", "week", "day_of_week", "hour", "minute")


def strings(job: dict[str, Any]) -> str:
    return " | ".join(job[name] for name in SCHEDULE)


@time_machine.travel("2026-11-20T16:33:00Z", tick=False)
def test_a_job_is_shown_as_it_was_sent(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add()
    golden = {
        "job_id": job_id,
        "name": "API 新增的任務",
        "job_class_string": AWESOME,
        "pub_args": ["API參數1", "API參數2"],
        "month": "*",
        "day": "*",
        "week": "*",
        "day_of_week": "*",
        "hour": "*",
        "minute": "*/5",
        "category_id": 0,
        "next_run_time": "2026-11-21T00:35:00+08:00",
    }
    assert len(job_id) == 32
    assert client.get(f"/jobs/{job_id}") == golden
    assert client.get("/jobs") == {"jobs": [golden]}
    assert list(golden) == list(client.get(f"/jobs/{job_id}"))


def test_a_new_job_follows_the_rules_of_this_dialect(olli: User, v1: Speak) -> None:
    job = Job.objects.get(uid=v1(olli).add(category_id=0, user="ada", user_id=1))
    assert (job.owner, job.category, job.end_date) == (olli, olli.category, None)
    assert (job.overlap, job.catch_up, job.start_deadline) == ("allow", "all", 3600)
    assert (job.kind, job.timing.timezone, job.timing.day_rule) == ("python_class", "Asia/Taipei", "both")


def test_jobs_are_sorted_by_name_whatever_its_case(ada: User, v1: Speak) -> None:
    client = v1(ada)
    for name in ("beta", "Alpha", "alpha 2", "Beta 0"):
        client.add(name=name)
    assert [job["name"] for job in client.get("/jobs")["jobs"]] == ["Alpha", "alpha 2", "beta", "Beta 0"]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"hour": "12"}, "* | * | * | * | 12 | 0"),
        ({"day": "15"}, "* | 15 | * | * | 0 | 0"),
        ({"month": 3}, "3 | 1 | * | * | 0 | 0"),
        ({"minute": "*/5"}, "* | * | * | * | * | */5"),
        ({"day_of_week": "0"}, "* | * | * | 0 | 0 | 0"),
        ({"day": " LAST ", "minute": "05"}, "* | LAST | * | * | * | 05"),
        ({"day": "1st mon, 3rd fri", "hour": "9"}, "* | 1st mon, 3rd fri | * | * | 9 | 0"),
        ({"hour": "9", "week": "*", "minute": None}, "* | * | * | * | 9 | 0"),
    ],
)
def test_omitted_fields_are_filled_in(ada: User, v1: Speak, fields: dict[str, Any], shown: str) -> None:
    client = v1(ada)
    body = {"name": "n", "job_class_string": AWESOME} | fields
    job_id = json.loads(client.ask("POST", "/jobs", body).content)["job_id"]
    assert strings(client.get(f"/jobs/{job_id}")) == shown


@time_machine.travel("2026-11-20T16:33:00Z", tick=False)
def test_weekdays_count_from_monday_and_both_day_fields_must_match(ada: User, v1: Speak) -> None:
    client = v1(ada)
    monday = client.add(day_of_week="0", hour="9", minute="0")
    friday_13 = client.add(day_of_week="4", day="13", hour="9", minute="0")
    assert client.get(f"/jobs/{monday}")["next_run_time"] == "2026-11-23T09:00:00+08:00"
    assert client.get(f"/jobs/{friday_13}")["next_run_time"] == "2027-08-13T09:00:00+08:00"


def test_arguments_may_be_left_out_or_be_the_text_of_an_array(ada: User, v1: Speak) -> None:
    client = v1(ada)
    for given, shown in [(None, []), ('["a", 1]', ["a", 1]), ([None, {"a": [1.5]}], [None, {"a": [1.5]}])]:
        assert client.get(f"/jobs/{client.add(pub_args=given)}")["pub_args"] == shown


def test_a_class_that_nobody_knows_is_accepted(ada: User, v1: Speak) -> None:
    client = v1(ada)
    assert client.get(f"/jobs/{client.add(job_class_string='no.Such')}")["job_class_string"] == "no.Such"


@pytest.mark.parametrize("policy", ["optional", "default", "required"])
def test_what_the_dialect_has_no_words_for_is_not_asked_of_it(
    ada: User, v1: Speak, settings: Settings, policy: str
) -> None:
    settings.JOB_END_DATE_POLICY, settings.JOB_PIC_TEAM_REQUIRED = policy, True
    client = v1(ada)
    job_id = client.add()
    assert client.ask("PUT", f"/jobs/{job_id}", BODY | {"minute": "7"}).status_code == 200
    job = Job.objects.get(uid=job_id)
    assert (job.end_date, job.team) == (None, None)


def test_the_rules_of_all_jobs_hold_here_too(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add()
    Job.objects.update(end_date=today() - dt.timedelta(days=1))
    status, error = told(client.ask("PUT", f"/jobs/{job_id}", BODY | {"name": "renamed"}))
    assert (status, error) == (400, "The job's end date has passed.")
    assert Job.objects.get().name == BODY["name"]


def test_several_jobs_may_have_one_name(ada: User, v1: Speak) -> None:
    client = v1(ada)
    first, second, third = (client.add(name="twin") for _ in range(3))
    assert [client.get(f"/jobs/{job}")["name"] for job in (first, second, third)] == ["twin"] * 3
    assert sorted(Job.objects.values_list("name", flat=True)) == ["twin", "twin (2)", "twin (3)"]
    client.ask("PUT", f"/jobs/{second}", BODY | {"name": "twin", "minute": "7"})
    assert Job.objects.get(uid=second).name == "twin (2)"
    client.ask("PUT", f"/jobs/{first}", BODY | {"name": "single"})
    assert client.get(f"/jobs/{first}")["name"] == "single"
    client.ask("PUT", f"/jobs/{third}", BODY | {"name": "twin 3"})
    assert client.get(f"/jobs/{third}")["name"] == Job.objects.get(uid=third).name == "twin 3"


def test_a_name_given_on_the_pages_is_shown_here_too(ada: User, v1: Speak) -> None:
    client = v1(ada)
    client.add(name="twin")
    second = Job.objects.get(uid=client.add(name="twin"))
    verbs.update(second, verbs.JobChanges({"name": "renamed"}), by=Actor(ada, "api"))
    assert client.get(f"/jobs/{second.uid.hex}")["name"] == "renamed"


BAD = [
    ({"name": None}, "Require this parameter: name"),
    ({"name": "", "job_class_string": ""}, "Require this parameter: name"),
    ({"job_class_string": None}, "Require this parameter: job_class_string"),
    ({"name": 5}, "Invalid name"),
    ({"name": ["a"]}, "Invalid name"),
    ({"name": "  "}, "Invalid name"),
    ({"name": "x" * 201}, "Invalid name"),
    ({"job_class_string": 5}, "Invalid job_class_string"),
    ({"job_class_string": "x" * 256}, "Invalid job_class_string"),
    ({"pub_args": {"a": 1}}, "Invalid pub_args"),
    ({"pub_args": {}}, "Invalid pub_args"),
    ({"pub_args": ""}, "Invalid pub_args"),
    ({"pub_args": "text"}, "Invalid pub_args"),
    ({"pub_args": 5}, "Invalid pub_args"),
    ({"pub_args": ["x" * 70_000]}, "Invalid pub_args"),
    ({"pub_args": [1] * 101}, "Invalid pub_args"),
    ({"minute": "60"}, "Invalid minute"),
    ({"minute": ""}, "Invalid minute"),
    ({"minute": "*/0"}, "Invalid minute"),
    ({"minute": True}, "Invalid minute"),
    ({"minute": [5]}, "Invalid minute"),
    ({"minute": "1" * 5000}, "Invalid minute"),
    ({"hour": "24"}, "Invalid hour"),
    ({"day": "32"}, "Invalid day"),
    ({"day": "6th mon"}, "Invalid day"),
    ({"month": "13"}, "Invalid month"),
    ({"day_of_week": "7"}, "Invalid day_of_week"),
    ({"day_of_week": "mon; rm"}, ""),
    ({"month": "2", "day": "31"}, "never fires"),
]


@pytest.mark.parametrize(("changes", "text"), [bad for bad in BAD if bad[1]], ids=str)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_bad_job_is_refused_with_the_field_and_changes_nothing(
    ada: User, v1: Speak, method: str, changes: dict[str, Any], text: str
) -> None:
    client = v1(ada)
    job_id = client.add()
    before, entries = client.get("/jobs"), Entry.objects.count()
    answer = client.ask(method, "/jobs" if method == "POST" else f"/jobs/{job_id}", BODY | changes)
    status, error = told(answer)
    assert (status, error["code"]) == (400, 400)
    assert text in error["message"]
    assert client.get("/jobs") == before
    assert Entry.objects.count() == entries


def test_at_least_one_field_of_the_schedule_is_required(ada: User, v1: Speak) -> None:
    status, error = told(v1(ada).ask("POST", "/jobs", {"name": "n", "job_class_string": AWESOME}))
    assert status == 400
    assert error["message"].startswith("Require at least one of following parameters: [")
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"name": NaN}', b'{"name": "\\u0000"}']
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_is_no_json_object_is_refused(ada: User, v1: Speak, method: str, body: bytes) -> None:
    client = v1(ada)
    path = "/jobs" if method == "POST" else f"/jobs/{client.add()}"
    status, error = told(client.ask(method, path, body))
    assert status == 400
    assert error.startswith("Invalid JSON format: ")


def test_a_body_that_is_too_large_is_refused(ada: User, v1: Speak) -> None:
    assert v1(ada).ask("POST", "/jobs", b" " * (1024 * 1024 + 1)).status_code == 413


@pytest.mark.parametrize("job_id", [HEX, "x", "0", "1", HEX[:-1], HEX + "0", "%00", "null", "a" * 500, "💣"])
def test_an_unknown_job_is_told_by_the_status_that_each_verb_has(ada: User, v1: Speak, job_id: str) -> None:
    client = v1(ada)
    for method, status in [("GET", 400), ("PUT", 404), ("DELETE", 400), ("PATCH", 404), ("OPTIONS", 404)]:
        answer = client.ask(method, f"/jobs/{job_id}", BODY)
        if job_id == "%00":
            assert answer.status_code == 404
        else:
            assert told(answer) == (status, f"Job not found: {job_id}")
    assert trail() == []


def test_an_id_with_hyphens_is_one_too(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job = Job.objects.get(uid=client.add())
    assert client.get(f"/jobs/{job.uid}")["job_id"] == job.uid.hex


def test_verbs_that_need_an_id_say_so(ada: User, v1: Speak) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert told(v1(ada).ask(method, "/jobs")) == (400, "Job id is required")


# Changes ---------------------------------------------------------------------------------------------------------------


def test_a_modified_job_is_answered_whole_and_keeps_its_id(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add()
    answer = client.ask("PUT", f"/jobs/{job_id}", {"name": "new", "job_class_string": "a.B", "hour": "3"})
    changed = json.loads(answer.content)
    assert (answer.status_code, changed["job_id"], changed["name"]) == (200, job_id, "new")
    assert (changed["job_class_string"], changed["pub_args"]) == ("a.B", [])
    assert strings(changed) == "* | * | * | * | 3 | 0"
    assert client.get(f"/jobs/{job_id}") == changed


def test_modifying_keeps_the_rules_that_were_set_elsewhere(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job = Job.objects.get(uid=client.add())
    rules = {"overlap": "queue", "catch_up": "skip", "start_deadline": 60, "timeout": 5, "max_attempts": 3}
    verbs.update(job, verbs.JobChanges(dict(rules)), by=Actor(ada, "api"))
    client.ask("PUT", f"/jobs/{job.uid.hex}", BODY | {"minute": "7"})
    job = Job.objects.get(pk=job.pk)
    assert {name: getattr(job, name) for name in rules} == rules


def test_modifying_a_paused_job_makes_it_active_again(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add()
    client.ask("PATCH", f"/jobs/{job_id}")
    assert client.get(f"/jobs/{job_id}")["next_run_time"] == ""
    assert json.loads(client.ask("PUT", f"/jobs/{job_id}", BODY).content)["next_run_time"]
    assert Job.objects.get(uid=job_id).timing.enabled


def test_sending_back_the_same_schedule_does_not_move_the_next_run(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add(minute="17")
    Job.objects.filter(uid=job_id).update(next_run_at="2030-01-01T00:00:00Z")
    client.ask("PUT", f"/jobs/{job_id}", BODY | {"minute": "17", "name": "other"})
    assert client.get(f"/jobs/{job_id}")["next_run_time"] == "2030-01-01T08:00:00+08:00"


def test_pausing_and_resuming_are_answered_alike_each_time_and_each_is_in_the_trail(
    ada: User, v1: Speak
) -> None:
    client = v1(ada)
    job_id = client.add()
    for method, active in [("PATCH", False), ("PATCH", False), ("OPTIONS", True), ("OPTIONS", True)]:
        answer = client.ask(method, f"/jobs/{job_id}")
        assert (answer.status_code, json.loads(answer.content)) == (200, {"job_id": job_id})
        assert bool(client.get(f"/jobs/{job_id}")["next_run_time"]) is active
    assert [event for event, _ in trail(job_id)] == ["added", "paused", "paused", "resumed", "resumed"]


def test_a_preflight_resumes_nothing(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add()
    client.ask("PATCH", f"/jobs/{job_id}")
    preflight = {"Origin": "https://a.test", "Access_Control_Request_Method": "OPTIONS"}
    answer = V1().ask("OPTIONS", f"/jobs/{job_id}", **preflight)
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert V1().ask("OPTIONS", f"/jobs/{job_id}").status_code == 401
    assert client.get(f"/jobs/{job_id}")["next_run_time"] == ""
    assert [event for event, _ in trail(job_id)] == ["added", "paused"]


def test_with_a_token_options_resumes_whatever_else_it_carries(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add()
    client.ask("PATCH", f"/jobs/{job_id}")
    headers = {"Origin": "https://a.test", "Access_Control_Request_Method": "OPTIONS"}
    answer = client.ask("OPTIONS", f"/jobs/{job_id}", **headers)
    assert (json.loads(answer.content), answer["Access-Control-Allow-Origin"]) == ({"job_id": job_id}, "*")
    assert client.get(f"/jobs/{job_id}")["next_run_time"]


def test_a_deleted_job_is_gone(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job_id = client.add()
    answer = client.ask("DELETE", f"/jobs/{job_id}")
    assert (answer.status_code, json.loads(answer.content)) == (200, {"job_id": job_id})
    assert client.ask("GET", f"/jobs/{job_id}").status_code == 400
    assert not Job.objects.exists()


# Who may ---------------------------------------------------------------------------------------------------------------


def test_lists_and_single_jobs_are_those_of_the_own_category(ada: User, olli: User, v1: Speak) -> None:
    theirs, own = v1(ada).add(name="general"), v1(olli).add(name="ops")
    client = v1(olli)
    assert [job["name"] for job in client.get("/jobs")["jobs"]] == ["ops"]
    assert len(v1(ada).get("/jobs")["jobs"]) == 2
    for method, status in [("GET", 400), ("PUT", 404), ("DELETE", 400), ("PATCH", 404), ("OPTIONS", 404)]:
        assert told(client.ask(method, f"/jobs/{theirs}", BODY)) == (status, f"Job not found: {theirs}")
    assert client.get(f"/jobs/{own}")["category_id"] == olli.category_id


def test_an_administrator_with_a_category_sees_that_category(ada: User, ops: Category, v1: Speak) -> None:
    v1(ada).add()
    User.objects.filter(pk=ada.pk).update(category=ops)
    assert v1(User.objects.get(pk=ada.pk)).get("/jobs") == {"jobs": []}


def test_who_may_only_look_changes_nothing(olli: User, rita: User, v1: Speak) -> None:
    job_id = v1(olli).add()
    before, client = v1(olli).get("/jobs"), v1(rita)
    assert client.get("/jobs") == before
    calls = [("POST", "/jobs"), ("POST", f"/executions/{job_id}")]
    calls += [(method, f"/jobs/{job_id}") for method in ("PUT", "DELETE", "PATCH", "OPTIONS")]
    for method, path in calls:
        assert told(client.ask(method, path, BODY)) == (403, "Permission denied")
    assert v1(olli).get("/jobs") == before
    assert trail() == [("added", "olli")]


def test_others_of_the_category_may_change_its_jobs(olli: User, ops: Category, v1: Speak) -> None:
    job_id = v1(olli).add()
    colleague = User.objects.create_user(
        "cora", None, "x", role="user", category=ops, edit_scope="category", may_run_code=True
    )
    assert v1(colleague).ask("PUT", f"/jobs/{job_id}", BODY).status_code == 200


def test_a_native_account_without_the_right_to_run_code_makes_no_jobs_here(uma: User, v1: Speak) -> None:
    assert told(v1(uma).ask("POST", "/jobs", BODY)) == (403, "Permission denied")
    job = native_job(uma)
    seen = v1(uma).get(f"/jobs/{job.uid.hex}")
    assert v1(uma).ask("PUT", f"/jobs/{job.uid.hex}", seen | {"minute": "7"}).status_code == 200
    assert told(v1(uma).ask("PUT", f"/jobs/{job.uid.hex}", BODY)) == (403, "Permission denied")
    assert Job.objects.get().kind == "webhook"


# Jobs made elsewhere ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "shown"),
    [
        ({"expression": "0 9 * * 1-5"}, "* | * | * | mon-fri | 9 | 0"),
        ({"expression": "@daily"}, "* | * | * | * | 0 | 0"),
        ({"expression": "0 2 L * *"}, "* | last | * | * | 2 | 0"),
        ({"expression": "0 2 * * fri#3"}, "* | 3rd fri | * | * | 2 | 0"),
        ({"schedule_kind": "interval", "every": 5, "period": "minutes"}, "* | * | * | * | * | */5"),
        ({"schedule_kind": "interval", "every": 90, "period": "minutes"}, "* | * | * | * | * | 0"),
        ({"schedule_kind": "interval", "every": 2, "period": "days"}, "* | */2 | * | * | 0 | 0"),
        ({"schedule_kind": "interval", "every": 5, "period": "seconds"}, "* | * | * | * | * | *"),
        ({"schedule_kind": "once", "at": "2030-03-05 07:08:00"}, "3 | 5 | * | * | 7 | 8"),
        ({"schedule_kind": "none"}, "* | * | * | * | * | *"),
    ],
)
def test_a_job_of_another_kind_is_shown_and_survives_being_sent_back(
    ada: User, v1: Speak, schedule: dict[str, Any], shown: str
) -> None:
    job = native_job(ada, **schedule)
    client = v1(ada)
    seen = client.get(f"/jobs/{job.uid.hex}")
    assert strings(seen) == shown
    assert (seen["job_class_string"], seen["pub_args"]) == ("belfry.webhook", ["https://1.1.1.1/hook"])
    answer = client.ask("PUT", f"/jobs/{job.uid.hex}", seen | {"name": "renamed"})
    assert answer.status_code == 200, answer.content
    stored = Job.objects.get(pk=job.pk)
    assert (stored.name, stored.kind, stored.options) == ("renamed", job.kind, job.options)
    assert stored.timing == Job.objects.get(pk=job.pk).timing == job.timing


def test_arguments_of_a_job_of_another_kind_are_not_changed_here(ada: User, v1: Speak) -> None:
    job = native_job(ada)
    seen = v1(ada).get(f"/jobs/{job.uid.hex}") | {"pub_args": ["https://2.2.2.2"]}
    assert told(v1(ada).ask("PUT", f"/jobs/{job.uid.hex}", seen))[0] == 400


def test_a_job_edited_on_the_pages_shows_the_new_schedule(ada: User, v1: Speak) -> None:
    client = v1(ada)
    job = Job.objects.get(uid=client.add(day_of_week="MON", hour="03"))
    form = JobForm(form_data(job) | {"name": "edited"}, user=ada, instance=job)
    assert form.is_valid(), form.errors
    verbs.update(job, form.changes(), by=Actor(ada, "api"))
    assert strings(client.get(f"/jobs/{job.uid.hex}")) == "* | * | * | MON | 03 | */5"
    job = Job.objects.get(pk=job.pk)
    form = JobForm(form_data(job) | {"expression": "30 4 * * 0"}, user=ada, instance=job)
    assert form.is_valid(), form.errors
    verbs.update(job, form.changes(), by=Actor(ada, "api"))
    assert strings(client.get(f"/jobs/{job.uid.hex}")) == "* | * | * | sun | 4 | 30"


@pytest.mark.parametrize("expression", ["x y z a b", "* * * * 9#9", "1 2 3"])
def test_a_damaged_schedule_does_not_keep_the_others_from_being_listed(
    ada: User, v1: Speak, expression: str
) -> None:
    job = native_job(ada)
    minute, hour, day, *rest = expression.split()
    names = dict(zip(("month_of_year", "day_of_week"), rest, strict=False))
    CrontabSchedule.objects.filter(periodictask__job=job).update(
        minute=minute, hour=hour, day_of_month=day, **{"month_of_year": "", "day_of_week": "", **names}
    )
    assert strings(v1(ada).get("/jobs")["jobs"][0]) == "* | * | * | * | * | *"


def test_a_job_made_here_has_its_pages(ada: User, v1: Speak, client: Client) -> None:
    job = Job.objects.get(uid=v1(ada).add(day="1st mon,last,15", day_of_week="0-4"))
    client.force_login(ada)
    for page in (f"/jobs/{job.uid}", f"/jobs/{job.uid}/edit", "/jobs"):
        assert client.get(page).status_code == 200


def test_a_paused_job_made_on_the_pages_is_paused_here(ada: User, v1: Speak) -> None:
    job = native_job(ada)
    pause(job, ada)
    assert v1(ada).get(f"/jobs/{job.uid.hex}")["next_run_time"] == ""


def test_the_classes_are_listed_by_the_names_that_clients_know(ada: User, v1: Speak) -> None:
    infos = v1(ada).get("/jobs/meta")["jobs_meta"]
    assert AWESOME in {info["job_class_string"] for info in infos}
    assert set(infos[0]) == {"job_class_string", "notes", "arguments", "example_arguments"}


# Speed -----------------------------------------------------------------------------------------------------------------


def test_a_list_takes_the_same_number_of_queries_however_long_it_is(
    ada: User, v1: Speak, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    client = v1(ada)
    client.add()
    with django_assert_num_queries(4):  # account, jobs, schedules, categories
        client.get("/jobs")
    for _ in range(20):
        client.add()
    with django_assert_num_queries(4):
        assert len(client.get("/jobs")["jobs"]) == 21
