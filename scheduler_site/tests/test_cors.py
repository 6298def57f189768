"""Pages of other origins call the API: what a browser asks before, and what it lets them read."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from conftest import Api

PAGE = {"Origin": "https://page.example"}
BEFORE = PAGE | {
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
}


@pytest.mark.parametrize("url", ["/api/jobs", "/api/v2/jobs/anything", "/api/v2/auth/login"])
def test_any_origin_may_call_it_without_credentials(api: Api, url: str) -> None:
    answer = api().options(url, headers=BEFORE)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, "*")
    assert {"GET", "POST", "PUT", "DELETE"} <= set(answer["Access-Control-Allow-Methods"].split(", "))
    allowed = set(answer["Access-Control-Allow-Headers"].split(", "))
    assert {"authorization", "content-type", "idempotency-key"} <= allowed
    assert answer["Access-Control-Max-Age"] == "3600"
    assert "Access-Control-Allow-Credentials" not in answer


def test_named_origins_may_send_credentials_and_others_may_not_call(api: Api, settings: Settings) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS, settings.CORS_ALLOW_CREDENTIALS = False, True
    settings.CORS_ALLOWED_ORIGINS = [PAGE["Origin"]]
    answer = api().options("/api/jobs", headers=BEFORE)
    assert answer["Access-Control-Allow-Origin"] == PAGE["Origin"]
    assert answer["Access-Control-Allow-Credentials"] == "true"
    other = api().options("/api/jobs", headers=BEFORE | {"Origin": "https://other.example"})
    assert "Access-Control-Allow-Origin" not in other


def test_a_page_may_read_how_long_to_wait_and_that_an_answer_is_repeated(api: Api) -> None:
    exposed = api().get("/api/jobs", headers=PAGE)["Access-Control-Expose-Headers"]
    assert set(exposed.split(", ")) == {"Idempotency-Replayed", "Retry-After"}
