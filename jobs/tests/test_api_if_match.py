"""`ETag` and `If-Match`: whoever asks for it changes only what was read; without it the last change counts."""

from __future__ import annotations

import pytest

from accounts.models import Category, User
from conftest import Api
from jobs.models import Job
from jobs.tests.factories import make_job


def url(job: Job) -> str:
    return f"/api/v2/jobs/{job.uid}"


def test_the_tag_is_the_time_of_the_last_change(api: Api, uma: User) -> None:
    job = make_job(uma)
    answer = api(uma).get(url(job))
    assert answer["ETag"] == f'"{answer.json()["job"]["updated_at"]}"'
    changed = api(uma).put(url(job), {"name": "b"}, format="json")
    assert changed["ETag"] == f'"{changed.json()["job"]["updated_at"]}"' != answer["ETag"]


@pytest.mark.parametrize("method", ["put", "delete"])
def test_a_change_that_is_meant_for_an_earlier_state_is_refused(api: Api, uma: User, method: str) -> None:
    job = make_job(uma)
    read = api(uma).get(url(job))["ETag"]
    api(uma).put(url(job), {"timeout": 7}, format="json")
    answer = getattr(api(uma), method)(url(job), {"name": "b"}, format="json", headers={"If-Match": read})
    assert (answer.status_code, answer.json()["error"]) == (412, "Precondition failed")
    assert "by uma" in answer.json()["message"]
    kept = Job.objects.get(pk=job.pk)
    assert (kept.name, kept.timeout) == (job.name, 7)


@pytest.mark.parametrize("tag", ["{}", "W/{}", '"x", {}', "*"])
def test_a_change_of_what_was_read_goes_through(api: Api, uma: User, tag: str) -> None:
    job = make_job(uma)
    read = api(uma).get(url(job))["ETag"]
    answer = api(uma).put(url(job), {"name": "b"}, format="json", headers={"If-Match": tag.format(read)})
    assert answer.status_code == 200, answer.json()


def test_without_the_header_the_last_change_counts(api: Api, uma: User) -> None:
    job = make_job(uma)
    api(uma).put(url(job), {"timeout": 7}, format="json")
    assert api(uma).put(url(job), {"name": "b"}, format="json").status_code == 200


def test_categories_teams_accounts_and_settings_know_it_as_well(api: Api, ada: User, uma: User) -> None:
    category = Category.objects.create(name="c", slug="c")
    paths = {
        f"/job-categories/{category.uid}": {"name": "d"},
        f"/auth/users/{uma.uid}": {"email": "u@example.com"},
        "/settings/slack": {"channel": "#a"},
    }
    for path, body in paths.items():
        first = api(ada).put(f"/api/v2{path}", body, format="json")
        assert first.status_code == 200, first.json()
        second = api(ada).put(f"/api/v2{path}", body, format="json", headers={"If-Match": '"old"'})
        assert (second.status_code, second.json()["error"]) == (412, "Precondition failed")
        tag = {"If-Match": first["ETag"]}
        assert api(ada).put(f"/api/v2{path}", body, format="json", headers=tag).status_code == 200
