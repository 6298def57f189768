"""A body in chunks is refused: what reads as no body at all would be half obeyed."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from conftest import Api


@pytest.mark.parametrize("path", ["/api/jobs", "/api/auth/login", "/api/v2/jobs/x/pause"])
def test_the_api_asks_for_the_length_of_a_body_in_chunks(ada: User, api: Api, path: str) -> None:
    answer = api(ada).generic(
        "POST", path, "", content_type="application/json", HTTP_TRANSFER_ENCODING="chunked"
    )
    assert answer.status_code == 411
    assert answer.json()["error"] == "Length required"


def test_a_page_does_so_too(client: Client, db: None) -> None:
    assert client.generic("POST", "/login", b"", HTTP_TRANSFER_ENCODING="chunked").status_code == 411
