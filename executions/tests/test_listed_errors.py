"""A long error of a target is told whole of its run, and its beginning in lists."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from executions.models import Execution, State, Trigger
from jobs.tests.factories import make_job
from scheduler_site.lib import clock

pytestmark = pytest.mark.django_db


def test_a_list_tells_its_beginning(uma: User) -> None:
    job, now = make_job(uma), clock.now()
    run = Execution.objects.create(
        job=job,
        job_name=job.name,
        job_uid=job.uid,
        kind=job.kind,
        definition=job.definition(),
        category_id=job.category_id,
        trigger=Trigger.SCHEDULED,
        state=State.FAILED,
        due_at=now,
        created_at=now,
        started_at=now,
        finished_at=now,
        error="HTTP 500: " + "<html>" * 2500,
    )
    api = APIClient()
    api.force_authenticate(uma)
    for path in ("/api/v2/executions", f"/api/v2/jobs/{job.uid}/executions"):
        answer = api.get(path)
        assert len(answer.content) < 5000
        told = answer.json()["executions"][0]["error_message"]
        assert (len(told), told.startswith("HTTP 500: <html>"), told[-1]) == (1001, True, "…")
    whole = api.get(f"/api/v2/executions/{run.uid}").json()["execution"]["error_message"]
    assert whole == run.error
