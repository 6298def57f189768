"""Bounds of one job, one account and one category: refused by name on every surface, and what is stored already works on."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import Category, User
from jobs import quotas
from jobs.models import Job
from jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db
BODY = {"name": "nightly", "cron_expression": "0 3 * * *", "target_url": "https://example.com/x"}


@pytest.fixture
def api(uma: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(uma)
    return client


@pytest.mark.parametrize(
    ("setting", "bound", "given", "named"),
    [
        ("JOB_METADATA_MAX_BYTES", 100, {"metadata": {"text": "x" * 100}}, "JOB_METADATA_MAX_BYTES"),
        ("JOB_METADATA_MAX_BYTES", 100, {"metadata": {"text": "語" * 40}}, "JOB_METADATA_MAX_BYTES"),
        (
            "JOB_OPTIONS_MAX_BYTES",
            60,
            {"target_url": f"https://example.com/{'x' * 60}"},
            "JOB_OPTIONS_MAX_BYTES",
        ),
        (
            "JOB_RECIPIENTS",
            1,
            {"enable_email_notifications": True, "notification_emails": ["a@example.com", "b@example.com"]},
            "JOB_RECIPIENTS",
        ),
        ("JOBS_PER_ACCOUNT", 1, {}, "JOBS_PER_ACCOUNT"),
        ("JOBS_PER_CATEGORY", 1, {}, "JOBS_PER_CATEGORY"),
    ],
)
def test_what_is_too_much_is_refused_by_name_and_nothing_is_made(
    api: APIClient, uma: User, settings: Settings, setting: str, bound: int, given: dict[str, Any], named: str
) -> None:
    make_job(uma, name="first")
    setattr(settings, setting, bound)
    answer = api.post("/api/v2/jobs", BODY | given, format="json")
    assert answer.status_code in (400, 409)
    assert named in answer.json()["message"]
    assert Job.objects.count() == 1
    setattr(settings, setting, 0)
    assert api.post("/api/v2/jobs", BODY | given, format="json").status_code == 201


def test_a_stored_job_beyond_a_bound_works_on_and_says_so(
    api: APIClient, uma: User, settings: Settings, client: Client
) -> None:
    job = make_job(uma, metadata={"text": "x" * 1000})
    settings.JOB_METADATA_MAX_BYTES = 100
    path = f"/api/v2/jobs/{job.uid}"
    assert (
        api.put(path, {"description": "changed", "metadata": job.metadata}, format="json").status_code == 200
    )
    refused = api.put(path, {"metadata": {"text": "y" * 1000}}, format="json")
    assert (refused.status_code, "JOB_METADATA_MAX_BYTES" in refused.json()["message"]) == (400, True)
    client.force_login(uma)
    assert "JOB_METADATA_MAX_BYTES" in client.get(f"/jobs/{job.uid}").content.decode()
    assert list(quotas.beyond(job)) == ["metadata"]


def test_a_job_cannot_be_moved_into_a_category_that_is_full(
    api: APIClient, uma: User, settings: Settings
) -> None:
    full = Category.objects.create(name="Full", slug="full")
    make_job(uma, name="first", category=full)
    job = make_job(uma, name="second")
    settings.JOBS_PER_CATEGORY = 1
    answer = api.put(f"/api/v2/jobs/{job.uid}", {"category": "full"}, format="json")
    assert (answer.status_code, "JOBS_PER_CATEGORY" in answer.json()["message"]) == (409, True)


def test_a_list_leaves_out_what_is_large_and_nobody_stores_what_stands_in_its_place(
    api: APIClient, uma: User, settings: Settings
) -> None:
    settings.JOB_METADATA_MAX_BYTES = 0
    job = make_job(uma, metadata={"small": 1, "large": "x" * 900_000})
    answer = api.get("/api/v2/jobs")
    assert len(answer.content) < 10_000
    (listed,) = answer.json()["jobs"]
    assert listed["metadata"]["small"] == 1
    assert (listed["metadata"]["large"]["omitted"], listed["metadata"]["large"]["bytes"]) == (True, 900_002)
    path = f"/api/v2/jobs/{job.uid}"
    assert len(api.get(path).json()["job"]["metadata"]["large"]) == 900_000
    refused = api.put(path, {"metadata": listed["metadata"]}, format="json")
    assert (refused.status_code, "Read the job itself" in refused.json()["message"]) == (400, True)
