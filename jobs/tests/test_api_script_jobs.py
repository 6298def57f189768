"""Script jobs in the REST API, in bulk uploads, and in the versions of a job."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.models import Entry
from conftest import Api
from environments.models import Environment
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser
from jobs.tests.script_jobs import TEXT, environment, script_job

pytestmark = pytest.mark.django_db

URL = "/api/v2/jobs"
NEW: dict[str, Any] = {
    "name": "report",
    "cron_expression": "0 2 * * *",
    "kind": "script",
    "options": {"script": TEXT},
    "environment": "reports",
}


def post(api: Api, user: User, **changes: Any) -> Any:
    body = {name: value for name, value in (NEW | changes).items() if value is not ...}
    return api(user).post(URL, body, format="json")


def test_a_script_job_is_made_by_the_name_or_the_id_of_its_environment(api: Api, ada: User) -> None:
    where = environment()
    for name, given in enumerate(
        ({"environment": "reports"}, {"environment": str(where.uid)}, {"environment": where.uid.hex})
    ):
        made = post(api, ada, name=str(name), **given)
        assert made.status_code == 201, made.json()
        job = made.json()["job"]
        assert (job["environment"], job["environment_id"]) == ("reports", str(where.uid))
        assert job["options"] == {"script": TEXT}
    made = post(api, ada, name="by id", environment=..., environment_id=str(where.uid))
    assert made.json()["job"]["environment"] == "reports"


@pytest.mark.parametrize(("given", "kept"), [({}, 3), ({"stop_grace": 10}, 10), ({"stop_grace": 0}, 0)])
def test_a_script_that_is_stopped_gets_three_seconds_unless_somebody_says_otherwise(
    api: Api, ada: User, given: dict[str, int], kept: int
) -> None:
    environment()
    assert post(api, ada, **given).json()["job"]["stop_grace"] == kept
    page = browser(ada).get("/jobs/new?kind=script").content.decode()
    assert re.search(r'name="stop_grace" value="3"', page)
    assert re.search(
        r'name="stop_grace" value="10"', browser(ada).get("/jobs/new?kind=webhook").content.decode()
    )


@pytest.mark.parametrize("text", ["a\r\nb\r\n", "a\rb\n", "  a \n\n", "\ufeffx", "a"])
def test_a_script_is_stored_as_it_was_sent(api: Api, ada: User, text: str) -> None:
    environment()
    uid = post(api, ada, options={"script": text}).json()["job"]["id"]
    assert api(ada).get(f"{URL}/{uid}").json()["job"]["options"]["script"] == text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (..., "needs an environment"),
        (None, "needs an environment"),
        ("", "needs an environment"),
        ("nowhere", "There is no environment nowhere."),
        ("9" * 5000, "There is no environment 999"),
        (5, "must be a text"),
        (["reports"], "must be a text"),
        ("ghost", "There is no environment ghost."),
    ],
)
def test_a_wrong_environment_is_refused_by_name(api: Api, ada: User, given: Any, words: str) -> None:
    environment()
    environment("ghost", state="absent")
    refusal = post(api, ada, environment=given)
    assert refusal.status_code == 400
    assert refusal.json()["error"] == "Invalid environment"
    assert words in refusal.json()["message"]
    assert not Job.objects.exists()


def test_a_job_that_was_read_can_be_sent_back(api: Api, ada: User) -> None:
    where, other = environment(), environment("other")
    uid = post(api, ada).json()["job"]["id"]
    read = api(ada).get(f"{URL}/{uid}").json()["job"]
    assert api(ada).put(f"{URL}/{uid}", read, format="json").status_code == 200
    assert Job.objects.get().environment == where
    assert Entry.objects.filter(event=Entry.Event.MODIFIED).count() == 0
    changed = api(ada).put(f"{URL}/{uid}", read | {"environment": "other"}, format="json")
    assert changed.json()["job"]["environment"] == "other"
    assert Entry.objects.get(event=Entry.Event.MODIFIED).changes["environment"] == {
        "old": "reports",
        "new": "other",
    }
    assert Job.objects.get().environment == other


def test_what_is_not_named_stays_and_another_kind_has_no_environment(api: Api, ada: User) -> None:
    environment()
    uid = post(api, ada).json()["job"]["id"]
    assert (
        api(ada).put(f"{URL}/{uid}", {"name": "x"}, format="json").json()["job"]["environment"] == "reports"
    )
    webhook = {"kind": "webhook", "options": {"target_url": "https://1.1.1.1/hook"}}
    changed = api(ada).put(f"{URL}/{uid}", webhook, format="json").json()["job"]
    assert (changed["kind"], changed["environment"], changed["environment_id"]) == ("webhook", None, None)


def test_an_environment_that_is_gone_may_be_kept(api: Api, ada: User) -> None:
    script_job(ada, where=environment())
    Environment.objects.update(state="absent")
    job = Job.objects.get()
    for body in ({"name": "x"}, {"name": "y", "environment": "reports"}):
        assert api(ada).put(f"{URL}/{job.uid}", body, format="json").status_code == 200


def test_the_list_names_the_environments_without_asking_for_each(api: Api, ada: User) -> None:
    make_job(ada, name="plain")
    where = environment()
    script_job(ada, where=where, name="first")
    client = api(ada)
    client.get(URL)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(URL)
    for number in range(5):
        script_job(ada, where=environment(f"e{number}"), name=f"more {number}")
    with CaptureQueriesContext(connection) as many:
        jobs = {job["name"]: job["environment"] for job in client.get(URL).json()["jobs"]}
    assert len(many) == len(few)
    assert (jobs["plain"], jobs["first"], jobs["more 3"]) == (None, "reports", "e3")


def test_without_the_right_to_run_code_a_script_is_forbidden(
    api: Api, uma: User, vic: User, ada: User
) -> None:
    job = script_job(ada, where=environment())
    Job.objects.update(owner=uma)
    for person in (uma, vic):
        assert post(api, person, name="new").status_code == 403
        assert api(person).put(f"{URL}/{job.uid}", {"name": "x"}, format="json").status_code == 403
    webhook = make_job(uma, name="mine")
    body = {name: NEW[name] for name in ("kind", "options", "environment")}
    assert api(uma).put(f"{URL}/{webhook.uid}", body, format="json").status_code == 403


def upload(api: Api, user: User, *rows: dict[str, str]) -> Any:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    file = SimpleUploadedFile("jobs.csv", text.getvalue().encode())
    return api(user).post(f"{URL}/bulk-upload", {"file": file})


def row(**changes: str) -> dict[str, str]:
    columns = {
        "Name": "a",
        "Cron": "0 2 * * *",
        "Script": "",
        "Script Path": "",
        "Environment": "",
        "URL": "",
    }
    return columns | {name.replace("_", " "): value for name, value in changes.items()}


def test_scripts_come_out_of_a_file_with_their_blanks(api: Api, ada: User) -> None:
    environment()
    answer = upload(
        api,
        ada,
        row(Script="\n  x = 1\n\n", Environment="reports"),
        row(Name="b", URL="https://1.1.1.1/hook"),
    )
    assert answer.json()["created_count"] == 2, answer.json()
    job = Job.objects.get(name="a")
    assert (job.kind, job.options["script"], str(job.environment)) == ("script", "\n  x = 1\n\n", "reports")


def test_a_script_without_its_environment_is_left_out(api: Api, ada: User) -> None:
    answer = upload(api, ada, row(Script="x"), row(Name="b", Script="x", Environment="nowhere"))
    assert [fault["error"] for fault in answer.json()["errors"]] == ["Invalid environment"] * 2


def test_rows_with_scripts_harm_no_other_row_of_somebody_without_the_right(api: Api, uma: User) -> None:
    environment()
    answer = upload(
        api, uma, row(Script="x", Environment="reports"), row(Name="b", URL="https://1.1.1.1/hook")
    ).json()
    assert [job["name"] for job in answer["jobs"]] == ["b"]
    assert answer["errors"][0]["error"] == "Insufficient permissions"


def test_a_version_whose_environment_is_gone_is_not_restored_and_says_why(api: Api, ada: User) -> None:
    job = script_job(ada, where=environment())
    other = environment("other")
    api(ada).put(f"{URL}/{job.uid}", {"environment": "other"}, format="json")
    page = browser(ada).get(f"/jobs/{job.uid}/versions").content.decode()
    assert "reports" in page
    Environment.objects.filter(name="reports").delete()
    refused = browser(ada).post(f"/jobs/{job.uid}/versions/1/restore")
    assert refused.status_code == 409
    assert "the environment “reports”, which does not exist any more" in refused.content.decode()
    assert Job.objects.get().environment == other


def test_a_version_goes_back_to_its_environment(api: Api, ada: User) -> None:
    job = script_job(ada, where=environment())
    environment("other")
    api(ada).put(f"{URL}/{job.uid}", {"environment": "other"}, format="json")
    assert browser(ada).post(f"/jobs/{job.uid}/versions/1/restore").status_code == 302
    assert str(Job.objects.get().environment) == "reports"
    Environment.objects.filter(name="other").update(state="absent")
    refused = browser(ada).post(f"/jobs/{job.uid}/versions/2/restore")
    assert refused.status_code == 409
    assert "environment: “other” cannot be chosen any more." in refused.content.decode()
