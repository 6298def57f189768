"""The root of the API, for anybody."""

from __future__ import annotations

import pytest

from conftest import Api


@pytest.mark.parametrize("path", ["/api", "/api/v2"])
def test_the_root_says_where_to_go(api: Api, path: str) -> None:
    answer = api().get(path)
    assert answer.status_code == 200
    found = answer.json()
    assert set(found) == {"message", "docs", "redoc", "health"}
    assert found["health"] == f"{path}/health"
    for page in (found["docs"], found["redoc"], found["health"]):
        assert page is None or api().get(page).status_code in (200, 503)


def test_the_root_has_no_slash(api: Api) -> None:
    for path in ("/api", "/api/v2"):
        answer = api().get(f"{path}/")
        assert (answer.status_code, answer["Location"]) == (307, path)
    assert api().post("/api", {}, format="json").status_code == 405
