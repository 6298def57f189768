"""A session of the earlier browser client, call by call (v2 wire facts): statuses, and the keys and types of every answer.

What was answered when this was written is kept in old_client.json: a key that goes or comes, or a type or a format of time
that changes, shows there. That the keys which the dialect asks for are among them is said here, from the wire facts.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import Category, User
from conftest import PASSWORD
from executions.tests.test_api_execute import workers
from jobs.models.fields import PLAIN
from jobs.tests.github_server import GitHub, github

__all__ = ["github", "workers"]

GOLDEN = Path(__file__).with_name("old_client.json")
FORMATS = {
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "date": r"\d{4}-\d\d-\d\d",
    "time, no offset, microseconds": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}",
    "time, Z, milliseconds": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "time, +00:00, microseconds": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00",
    "time, offset, seconds": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d",
    "time, no offset, seconds": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
}
USER = {"id", "username", "email", "role", "is_active", "created_at", "updated_at"}
JOB = {
    "id", "name", "cron_expression", "target_url", "github_owner", "github_repo", "github_workflow_name", "metadata",
    "category", "end_date", "pic_team", "enable_email_notifications", "notification_emails", "notify_on_success",
    "created_by", "is_active", "created_at", "updated_at",
}  # fmt: skip
READ = JOB | {"last_execution_at", "next_execution_at"}
RUN = {
    "id", "job_id", "status", "trigger_type", "started_at", "completed_at", "duration_seconds", "execution_type",
    "target", "response_status", "error_message", "output",
}  # fmt: skip
COUNTS = {
    "total_executions", "successful_executions", "failed_executions", "running_executions", "success_rate",
    "average_duration_seconds", "range",
}  # fmt: skip
ITEM = {
    "id", "user_id", "title", "message", "type", "related_job_id", "related_execution_id", "is_read", "read_at",
    "created_at",
}  # fmt: skip
SWITCHES = {
    "id", "user_id", "email_on_job_success", "email_on_job_failure", "email_on_job_disabled",
    "browser_notifications", "daily_digest", "weekly_report", "created_at", "updated_at",
}  # fmt: skip
SLACK = {"id", "is_enabled", "webhook_url", "channel", "created_at", "updated_at"}
CATEGORY = {"id", "slug", "name", "is_active", "created_at", "updated_at"}
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
NOW = dt.datetime.now(dt.UTC)
MOMENT = "%Y-%m-%dT%H:%M:%S.000Z"
SPANS = {
    "by dates": f"from={NOW - DAY:%Y-%m-%d}&to={NOW + DAY:%Y-%m-%d}",
    "by times": f"from={NOW - HOUR:{MOMENT}}&to={NOW + HOUR:{MOMENT}}",
}
LATER = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=90)).isoformat()
FORM = {
    "name": "Nightly tests",
    "cron_expression": "0 2 * * *",
    "end_date": LATER,
    "pic_team": "payments",
    "category": "general",
    "github_owner": "acme",
    "github_repo": "tools",
    "github_workflow_name": "nightly.yml",
    "metadata": {"branchDetails": "master", "env": "qa"},
    "enable_email_notifications": True,
    "notification_emails": ["team@example.com"],
    "notify_on_success": False,
}
CSV = f"""Job Name,Cron schedule (JST),Status,Target URL,PIC Team,End Date,Request Body
Upload one,0 3 * * *,enabled,https://1.1.1.1/hook,payments,{LATER},"{{""a"": ""1""}}"
Upload two,99 3 * * *,enabled,https://1.1.1.1/hook,payments,{LATER},
"""


def shape(value: Any) -> Any:
    """The keys and types of an answer; of a list the shapes that its items have."""
    if isinstance(value, dict):
        return {key: shape(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        shapes = {json.dumps(shape(item), sort_keys=True) for item in value}
        return [json.loads(text) for text in sorted(shapes)]
    if isinstance(value, str):
        return next((name for name, form in FORMATS.items() if re.fullmatch(form, value)), "text")
    return {bool: "true or false", int: "number", float: "number", type(None): "null"}[type(value)]


@dataclass
class OldClient:
    """Calls as the browser does: JSON, a bearer token, below /api/v2. `seen` are the shapes by call."""

    http: APIClient = field(default_factory=APIClient)
    seen: dict[str, Any] = field(default_factory=dict)

    def call(
        self, method: str, path: str, body: Any = None, *, status: int = 200, of: str = "", kind: str = "json"
    ) -> Any:
        """The answer's JSON. `of` is the name of the call where its path holds an id."""
        send = getattr(self.http, method.lower())
        answer = send(f"/api/v2{path}", body, format=kind if body is not None else None)
        assert answer.status_code == status, answer.content
        found = answer.json()
        self.seen[f"{method} {of or path}"] = {"status": status, "body": shape(found)}
        return found

    def log_in(self, email: str) -> dict[str, Any]:
        self.http.credentials()
        found: dict[str, Any] = self.call("POST", "/auth/login", {"email": email, "password": PASSWORD})
        self.http.credentials(HTTP_AUTHORIZATION=f"Bearer {found['access_token']}")
        return found


# What jobs and runs tell besides.
ADDED = {"code_suspended", "exposed", "waits_for"}


def without_new_fields(found: Any, golden: Any) -> Any:
    """What was seen but for fields of jobs that were declared since: clients ignore what they do not know."""
    if isinstance(found, dict) and isinstance(golden, dict):
        new = ({field.name for field in PLAIN} | ADDED) - set(golden)
        return {
            key: without_new_fields(value, golden.get(key)) for key, value in found.items() if key not in new
        }
    if isinstance(found, list) and isinstance(golden, list) and len(found) == len(golden):
        return [without_new_fields(*pair) for pair in zip(found, golden, strict=True)]
    return found


def has(found: dict[str, Any], keys: set[str]) -> None:
    assert keys <= set(found), keys - set(found)


def catalog(client: OldClient) -> None:
    """The pages of categories and teams."""
    has(client.call("GET", "/job-categories?include_inactive=true")["categories"][0], CATEGORY)
    made = client.call("POST", "/job-categories", {"name": "Smoke Tests"}, status=201)["category"]
    path, named = f"/job-categories/{made['id']}", "/job-categories/{id}"
    client.call("PUT", path, {"name": "Smoke"}, of=named)
    client.call("DELETE", path, of=named)
    team = client.call("POST", "/pic-teams", {"name": "Payments", "slack_handle": "@pay"}, status=201)[
        "pic_team"
    ]
    has(team, CATEGORY | {"slack_handle"})
    client.call("PUT", f"/pic-teams/{team['id']}", {"slack_handle": "@payments"}, of="/pic-teams/{id}")
    client.call("GET", "/pic-teams")
    has(client.call("GET", "/settings/slack")["slack_settings"], SLACK)
    has(client.call("PUT", "/settings/slack", {"channel": "#jobs"})["slack_settings"], SLACK)


def jobs(client: OldClient) -> str:
    """The form of a job, the list, and the switch in it; the id of the job that is left."""
    client.call("POST", "/jobs/validate-cron", {"expression": "0 2 * * *"})
    client.call("POST", "/jobs/cron-preview", {"expression": "0 2 * * *", "count": 5})
    client.call("POST", "/jobs", {"name": "x"}, status=400, of="/jobs with too little")
    job = client.call("POST", "/jobs", FORM, status=201)["job"]
    has(job, JOB)
    assert {key: job[key] for key in FORM} == FORM
    path = f"/jobs/{job['id']}"
    listed = client.call("GET", "/jobs")
    assert listed["count"] == len(listed["jobs"]) == 1
    has(listed["jobs"][0], READ)
    has(client.call("GET", path, of="/jobs/{id}")["job"], READ)
    client.call("PUT", path, {"cron_expression": "30 2 * * *", "end_date": LATER}, of="/jobs/{id}")
    assert client.call("PUT", path, {"is_active": False}, of="/jobs/{id} off")["job"]["is_active"] is False
    assert client.call("PUT", path, {"is_active": True}, of="/jobs/{id} on")["job"]["is_active"] is True
    return str(job["id"])


def upload(client: OldClient, *, dry: bool) -> Any:
    file = SimpleUploadedFile("jobs.csv", CSV.encode("utf-8-sig"), "text/csv")
    form = {"file": file, "dry_run": "true" if dry else "false", "default_github_owner": "acme"}
    named = f"/jobs/bulk-upload {'dry' if dry else 'real'}"
    return client.call("POST", "/jobs/bulk-upload", form, kind="multipart", of=named)


def runs(client: OldClient, job_id: str) -> None:
    """Run now, then the pages of executions and their polling."""
    path = f"/jobs/{job_id}"
    done = client.call(
        "POST", f"{path}/execute", {"metadata": {"env": "prod", "n": 5}}, of="/jobs/{id}/execute"
    )
    assert (done["job_id"], done["message"]) == (job_id, "Job triggered successfully")
    found = client.call("GET", f"{path}/executions?limit=50", of="/jobs/{id}/executions")
    assert (found["total_executions"], found["executions"][0]["status"]) == (1, "success")
    has(found["executions"][0], RUN)
    run = found["executions"][0]["id"]
    has(client.call("GET", f"{path}/executions/{run}", of="/jobs/{id}/executions/{id}")["execution"], RUN)
    client.call("GET", f"{path}/executions/stats", of="/jobs/{id}/executions/stats")
    has(
        client.call("GET", f"/executions/{run}", of="/executions/{id}")["execution"],
        RUN | {"job_name", "github_repo"},
    )
    default = client.call(
        "GET", "/executions?page=1&limit=20&status=failed,running", of="/executions failed, running"
    )
    assert (default["executions"], default["total"], default["total_pages"]) == ([], 0, 0)
    for named, span in SPANS.items():
        listed = client.call("GET", f"/executions?status=success&{span}", of=f"/executions {named}")
        assert listed["total"] == 1
        counts = client.call("GET", f"/executions/statistics?{span}", of=f"/executions/statistics {named}")
        assert set(counts) == COUNTS
        assert counts["total_executions"] == counts["successful_executions"] == 1
        client.call("GET", f"/notifications/unread-count?{span}", of=f"/notifications/unread-count {named}")


def inbox(client: OldClient) -> None:
    listed = client.call("GET", "/notifications?page=1&per_page=20&unread_only=true", of="/notifications")
    first, second = listed["notifications"][:2]
    has(first, ITEM)
    client.call("PUT", f"/notifications/{first['id']}/read", of="/notifications/{id}/read")
    client.call("DELETE", f"/notifications/{second['id']}", of="/notifications/{id}")
    assert client.call("DELETE", "/notifications/delete-read")["deleted_count"] == 1
    client.call("PUT", "/notifications/read-all")
    assert client.call("GET", "/notifications/unread-count")["unread_count"] == 0


def accounts(client: OldClient, me: str) -> None:
    """One's own preferences, then the page of users."""
    path = f"/auth/users/{me}"
    has(client.call("GET", f"{path}/preferences", of="/auth/users/{id}/preferences")["preferences"], SWITCHES)
    client.call("PUT", f"{path}/preferences", {"daily_digest": True}, of="/auth/users/{id}/preferences")
    columns = {"jobs_table_columns": {"pic_team": False, "target_url": True}}
    client.call("PUT", f"{path}/ui-preferences", columns, of="/auth/users/{id}/ui-preferences")
    client.call("GET", f"{path}/ui-preferences", of="/auth/users/{id}/ui-preferences")
    new = {"username": "Nora", "email": "nora@example.com", "password": PASSWORD, "role": "viewer"}
    made = client.call("POST", "/auth/register", new, status=201)["user"]
    assert set(made) == USER
    other, named = f"/auth/users/{made['id']}", "/auth/users/{id}"
    assert set(client.call("GET", other, of=named)["user"]) == USER
    client.call("PUT", other, {"role": "user", "is_active": False}, of=named)
    assert client.call("GET", "/auth/users")["count"] == 2
    client.call("DELETE", other, of=named)


@pytest.mark.django_db(transaction=True)
def test_a_session_of_the_old_client_is_answered_as_it_knows_it(
    ada: User, github: GitHub, workers: None, settings: Settings
) -> None:
    github.course = [("completed", "success")]
    client = OldClient()
    Category.general()  # other tests with real transactions leave the tables empty
    assert set(client.log_in("ada@example.com")["user"]) == USER
    catalog(client)
    job_id = jobs(client)
    assert upload(client, dry=True)["created_count"] == upload(client, dry=False)["created_count"] == 1
    runs(client, job_id)
    inbox(client)
    accounts(client, str(ada.uid))
    client.call("DELETE", f"/jobs/{job_id}", of="/jobs/{id}")
    end(client)
    golden = json.loads(GOLDEN.read_text())
    assert without_new_fields(client.seen, golden) == golden


def end(client: OldClient) -> None:
    """A new access token for the refresh token, then out; what was given before is not renewed again."""
    client.http.credentials()
    tokens = client.call(
        "POST", "/auth/login", {"username": "ada", "password": PASSWORD}, of="/auth/login by name"
    )
    client.http.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['refresh_token']}")
    renewed = client.call("POST", "/auth/refresh")
    client.http.credentials(HTTP_AUTHORIZATION=f"Bearer {renewed['access_token']}")
    client.call("POST", "/auth/logout")
    client.http.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['refresh_token']}")
    client.call("POST", "/auth/refresh", status=401, of="/auth/refresh after the logout")
