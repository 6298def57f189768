"""POST /api/v2/jobs/validate-cron and /jobs/cron-preview."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from conftest import Api

VALIDATE = "/api/v2/jobs/validate-cron"
PREVIEW = "/api/v2/jobs/cron-preview"


@pytest.mark.parametrize("key", ["expression", "cron_expression"])
def test_a_viewer_may_ask_whether_an_expression_is_valid(api: Api, vic: User, key: str) -> None:
    answer = api(vic).post(VALIDATE, {key: "*/5 * * * *"}, format="json")
    assert answer.status_code == 200
    assert answer.json()["valid"] is True
    assert answer.json()["message"]


@pytest.mark.parametrize(
    "text", ["", "  ", "x", "* * * *", "0 0 31 2 *", "60 * * * *", None, 5, [], {}, "*" * 5000, "٣ * * * *"]
)
def test_an_invalid_expression_is_an_answer_and_no_error(api: Api, vic: User, text: Any) -> None:
    answer = api(vic).post(VALIDATE, {"expression": text}, format="json")
    assert answer.status_code == 200
    assert answer.json()["valid"] is False
    assert answer.json()["error"] == "Invalid cron expression"
    assert answer.json()["message"]


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ({"timezone": {}}, "time zone"),
        ({"timezone": "Mars"}, "time zone"),
        ({"day_rule": "neither"}, "day_rule"),
        ({"day_rule": []}, "day_rule"),
    ],
)
def test_so_is_an_odd_zone_or_rule(api: Api, vic: User, odd: dict[str, Any], named: str) -> None:
    answer = api(vic).post(VALIDATE, {"expression": "* * * * *"} | odd, format="json")
    assert (answer.status_code, answer.json()["valid"]) == (200, False)
    assert named in answer.json()["message"]


def test_a_preview_is_in_the_zone_of_the_scheduler(api: Api, vic: User) -> None:
    body = {"expression": "0 0 * * 0", "start": "2026-01-01T00:00:00"}
    assert api(vic).post(PREVIEW, body, format="json").json() == {
        "timezone": "Asia/Tokyo",
        "next_runs": [f"2026-01-{day:02}T00:00:00+09:00" for day in (4, 11, 18, 25)]
        + ["2026-02-01T00:00:00+09:00"],
        "count": 5,
    }


def test_a_preview_tells_of_clock_changes(api: Api, vic: User) -> None:
    body = {
        "expression": "30 2 * * *",
        "timezone": "Europe/Berlin",
        "start": "2026-03-28T12:00:00",
        "count": 2,
    }
    answer = api(vic).post(PREVIEW, body, format="json").json()
    assert answer["next_runs"] == ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    assert [note["at"] for note in answer["notes"]] == ["2026-03-29T03:00:00+02:00"]


@pytest.mark.parametrize(("count", "found"), [(None, 5), (0, 5), (1, 1), (20, 20), (10**30, 20), (-3, 0)])
def test_the_count_has_bounds(api: Api, vic: User, count: int | None, found: int) -> None:
    answer = api(vic).post(PREVIEW, {"expression": "* * * * *", "count": count}, format="json").json()
    assert (answer["count"], len(answer["next_runs"])) == (found, found)


def test_an_impossible_date_has_no_runs(api: Api, vic: User) -> None:
    answer = api(vic).post(PREVIEW, {"expression": "0 0 31 2 *"}, format="json")
    assert (answer.status_code, answer.json()["next_runs"]) == (200, [])


@pytest.mark.parametrize(
    ("body", "label"),
    [
        ({}, "Invalid cron expression"),
        ({"expression": "x"}, "Invalid cron expression"),
        ({"expression": 5}, "Invalid cron expression"),
        ({"expression": "* * * * *", "count": "5"}, "Invalid count"),
        ({"expression": "* * * * *", "count": True}, "Invalid count"),
        ({"expression": "* * * * *", "timezone": "Mars"}, "Invalid timezone"),
        ({"expression": "* * * * *", "timezone": ["UTC"]}, "Invalid timezone"),
        ({"expression": "* * * * *", "timezone": []}, "Invalid timezone"),
        ({"expression": "* * * * *", "timezone": 0}, "Invalid timezone"),
        ({"expression": "* * * * *", "day_rule": "neither"}, "Invalid day_rule"),
        ({"expression": "* * * * *", "day_rule": True}, "Invalid day_rule"),
        ({"expression": "* * * * *", "start": "soon"}, "Invalid start"),
        ({"expression": "* * * * *", "start": 5}, "Invalid start"),
        ({"expression": "* * * * *", "start": "9999-12-31T23:59:59-12:00"}, "Invalid start"),
    ],
)
def test_an_odd_question_is_refused(api: Api, vic: User, body: dict[str, Any], label: str) -> None:
    answer = api(vic).post(PREVIEW, body, format="json")
    assert (answer.status_code, answer.json()["error"]) == (400, label)
    assert answer.json()["message"]


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00Z", "9999-12-30T00:00:00Z", "2026-01-01"])
def test_the_ends_of_the_calendar_do_no_harm(api: Api, vic: User, start: str) -> None:
    body = {"expression": "0 0 * * *", "start": start, "timezone": "UTC"}
    assert api(vic).post(PREVIEW, body, format="json").status_code == 200


@pytest.mark.parametrize("url", [VALIDATE, PREVIEW])
def test_the_cron_tools_are_for_accounts(api: Api, url: str) -> None:
    assert api().post(url, {"expression": "* * * * *"}, format="json").status_code == 401
