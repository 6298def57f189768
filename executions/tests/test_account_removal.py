"""Somebody leaves: the jobs are named before the account goes, on each surface, and are handed over with a result for each."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Team, User
from conftest import Api
from executions.models import BulkAction
from executions.pages import dashboard
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db


def hand_over(client: Client, leaver: User, verb: str, **order: object) -> BulkAction:
    """Through the preview; the action with its results."""
    answer = client.post(f"/people/users/{leaver.uid}/hand-over", {"verb": verb})
    path = answer.headers["Location"]
    assert client.post(path, {**order, "go": "1"}).status_code == 302
    return BulkAction.objects.get(uid=path.rsplit("/", 1)[1])


def test_all_jobs_of_a_leaver_go_to_somebody_else(ada: User, uma: User) -> None:
    heir = User.objects.create_user("lea", "lea@example.com", "x", role="user")
    for name in ("a", "b"):
        make_job(uma, name=name)
    make_job(ada, name="other")
    action = hand_over(browser(ada), uma, "owner", owner=heir.pk)
    assert {result.job_name: result.outcome for result in action.results.all()} == {"a": "done", "b": "done"}
    assert set(Job.objects.filter(owner=heir).values_list("name", flat=True)) == {"a", "b"}


def test_the_new_owner_and_a_team_are_chosen_in_one_go(ada: User, uma: User) -> None:
    heir = User.objects.create_user("lea", "lea@example.com", "x", role="user")
    night = Team.objects.create(name="Night")
    late = make_job(uma, name="a", team=Team.objects.create(name="Late").pk)
    kept = make_job(uma, name="b", team=night.pk)
    client = browser(ada)
    hand_over(client, uma, "owner", owner=heir.pk, team=night.pk)
    assert {(job.owner, job.team) for job in Job.objects.all()} == {(heir, night)}
    # Without a team each job keeps its own.
    Job.objects.filter(pk=late.pk).update(team=None)
    hand_over(client, heir, "owner", owner=uma.pk)
    late.refresh_from_db()
    kept.refresh_from_db()
    assert [(job.owner, job.team) for job in (late, kept)] == [(uma, None), (uma, night)]


def test_all_jobs_of_a_leaver_go_to_a_team(ada: User, uma: User) -> None:
    team = Team.objects.create(name="Night")
    job = make_job(uma, name="a")
    hand_over(browser(ada), uma, "team", team=team.pk)
    job.refresh_from_db()
    assert (job.team, job.owner) == (team, uma)


def test_only_who_may_give_jobs_away_gets_the_preview(uma: User, vic: User) -> None:
    make_job(uma, name="a")
    for user in (uma, vic):
        answer = browser(user).post(f"/people/users/{uma.uid}/hand-over", {"verb": "owner"})
        assert answer.status_code == 403


@pytest.mark.parametrize("verb", ["deactivate", "delete"])
def test_the_jobs_are_named_before_the_account_goes(ada: User, uma: User, verb: str) -> None:
    job = make_job(uma, name="nightly backup")
    client = browser(ada)
    assert "nightly backup" in client.get(f"/people/users/{uma.uid}/leave").content.decode()
    refused = client.post(f"/people/users/{uma.uid}/{verb}")
    assert refused.status_code == 409
    assert "nightly backup" in refused.content.decode()
    assert User.objects.get(pk=uma.pk).is_active
    assert client.post(f"/people/users/{uma.uid}/{verb}", {"keep": "1"}).status_code == 302
    assert not User.objects.filter(pk=uma.pk, is_active=True).exists()
    job.refresh_from_db()
    assert job.owner_id == (uma.pk if verb == "deactivate" else None)


def test_without_jobs_nothing_is_asked(ada: User, uma: User) -> None:
    client = browser(ada)
    client.post(f"/people/users/{uma.uid}/deactivate")
    assert not User.objects.get(pk=uma.pk).is_active
    client.post(f"/people/users/{uma.uid}/activate")
    assert User.objects.get(pk=uma.pk).is_active
    client.post(f"/people/users/{uma.uid}/delete")
    assert not User.objects.filter(pk=uma.pk).exists()


def test_the_last_admin_and_oneself_stay(ada: User) -> None:
    client = browser(ada)
    assert client.post(f"/people/users/{ada.uid}/delete", {"keep": "1"}).status_code == 409
    assert client.post(f"/people/users/{ada.uid}/deactivate", {"keep": "1"}).status_code == 409
    assert User.objects.get(pk=ada.pk).is_active


def test_the_admin_names_the_jobs_on_the_account_and_before_it_is_deleted(ada: User, uma: User) -> None:
    make_job(uma, name="nightly backup")
    client = browser(ada)
    for page in ("change", "delete"):
        assert "nightly backup" in client.get(f"/admin/accounts/user/{uma.pk}/{page}/").content.decode()


def test_the_api_names_the_jobs_of_an_account_that_is_switched_off_or_deleted(
    api: Api, ada: User, uma: User
) -> None:
    make_job(uma, name="nightly backup")
    path = f"/api/v2/auth/users/{uma.uid}"
    off = api(ada).put(path, {"is_active": False}, format="json").json()
    assert off["owned_jobs"] == ["nightly backup"]
    assert api(ada).delete(path).json()["jobs_without_owner"] == ["nightly backup"]


def test_jobs_whose_owner_is_gone_are_found_and_shown(ada: User, uma: User) -> None:
    make_job(uma, name="left behind")
    make_job(ada, name="kept")
    User.objects.filter(pk=uma.pk).update(is_active=False)
    client = browser(ada)
    found = client.get("/jobs?q=is:ownerless")
    assert [row.name for row in found.context["rows"]] == ["left behind"]
    assert "1 job has no owner" in client.get("/people").content.decode()


def test_jobs_whose_owner_is_gone_stand_on_the_dashboard_of_who_can_give_them_to_somebody(
    ada: User, uma: User, vic: User
) -> None:
    for name in ("a", "b", "c", "left <b>behind</b>"):
        make_job(uma, name=name)
    User.objects.filter(pk=uma.pk).update(is_active=False)
    dashboard.ownerless.forget()
    page = browser(ada).get("/").content.decode()
    assert "4 jobs have no owner who is still there." in page
    assert "a · b · c …" in page
    assert "is:ownerless" not in browser(vic).get("/").content.decode()
    Job.objects.update(owner=ada)
    dashboard.ownerless.forget()
    assert "is:ownerless" not in browser(ada).get("/").content.decode()
