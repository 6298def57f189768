"""A step larger than its range is taken, as cron does, and what is left of it is said wherever the schedule is."""

from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from jobs.schedule.cron import large_steps, parse
from jobs.tests.pages import entries

TABLE = [
    ("*/100 * * * *", [("Minute", 100, 0)]),
    ("5,*/100 * * * *", [("Minute", 100, 0)]),
    ("*/60 * * * *", [("Minute", 60, 0)]),
    ("5-10/30 * * * *", [("Minute", 30, 5)]),
    ("50/20 * * * *", [("Minute", 20, 50)]),
    (
        "0 */25 */40 */13 */8",
        [("Hour", 25, 0), ("Day of month", 40, 1), ("Month", 13, 1), ("Day of week", 8, 0)],
    ),
    ("*/59 * * * *", []),
    ("*/5,7 1-5/2 * * *", []),
]


@pytest.mark.parametrize(("expression", "found"), TABLE)
def test_it_is_known_what_is_left(expression: str, found: list[tuple[str, int, int]]) -> None:
    assert large_steps(expression) == found
    assert parse(expression)


@pytest.mark.parametrize("expression", ["*/100 * * * *", "5,*/100 * * * *"])
@pytest.mark.django_db
def test_answers_and_previews_say_so(uma: User, client: Client, expression: str) -> None:
    api = APIClient()
    api.force_authenticate(uma)
    body = {"name": "odd", "cron_expression": expression, "target_url": "https://example.com/x"}
    said = "Minute: a step of 100 is larger than its range, so that only 0 is left."
    made = api.post("/api/v2/jobs", body, format="json")
    assert (made.status_code, said in str(made.json())) == (201, True)
    for path in ("validate-cron", "cron-preview"):
        assert api.post(f"/api/v2/jobs/{path}", {"expression": expression}, format="json").json()[
            "remarks"
        ] == [said]
    client.force_login(uma)
    page = client.get("/jobs/preview", entries(expression=expression))
    assert said in page.content.decode()
