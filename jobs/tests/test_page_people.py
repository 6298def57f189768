"""Users, teams and categories as pages: who sees what, and that changes follow the rules of the API and the Django admin."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Category, Team, User
from accounts.signin import api_tokens
from audit.models import Entry
from audit.record import Actor
from conftest import PASSWORD
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import browser
from notifications.models import Destination

pytestmark = pytest.mark.django_db
NEW = {
    "username": "nora",
    "email": "nora@example.com",
    "password": PASSWORD,
    "role": "user",
    "edit_scope": "own",
}


def text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return str(answer.content.decode())


def entries() -> list[tuple[str, str, str]]:
    return list(Entry.objects.order_by("id").values_list("event", "object_name", "surface"))


def test_the_list_has_roles_and_how_many_jobs_each_owns(ada: User, uma: User) -> None:
    make_job(uma, name="a")
    make_job(uma, name="b")
    answer = browser(ada).get("/people")
    assert {(user.username, user.role, count) for user, count, _seen in answer.context["rows"]} == {
        ("ada", "admin", 0),
        ("uma", "user", 2),
    }


def test_the_list_is_narrowed_by_name_role_and_state(ada: User, uma: User, vic: User) -> None:
    User.objects.filter(pk=uma.pk).update(is_active=False)

    def found(query: str) -> set[str]:
        return {user.username for user, *_ in browser(ada).get(f"/people?{query}").context["rows"]}

    assert found("q=UM") == {"uma"}
    assert found("role=viewer") == {"vic"}
    assert found("state=left") == {"uma"}
    assert found("q=nobody") == set()


def test_the_page_of_a_user_has_jobs_teams_sessions_and_tokens(ada: User, uma: User) -> None:
    make_job(uma, name="nightly")
    team = Team.objects.create(name="Night shift")
    team.members.add(uma)
    api_tokens.create(uma, "robot", read_only=True, expires_at=None, by=Actor(uma, "page"))
    page = text(browser(ada), f"/people/users/{uma.uid}")
    assert all(word in page for word in ("nightly", "Night shift", "robot", "uma@example.com"))


def test_a_new_user_is_made_by_the_verb(ada: User) -> None:
    answer = browser(ada).post("/people/users/new", NEW)
    made = User.objects.get(username="nora")
    assert answer.headers["Location"] == f"/people/users/{made.uid}"
    assert made.check_password(PASSWORD)
    assert made.created_by == ada
    assert entries() == [("added", "nora", "page")]


def test_a_refused_user_shows_what_was_typed_and_names_the_field(ada: User, uma: User) -> None:
    for wrong, field in (
        ({"username": "uma"}, "username"),
        ({"email": "uma@example.com"}, "email"),
        ({"password": "12"}, "password"),
        ({"password": "password"}, "password"),
        ({"password": "nora@example"}, "password"),
        ({"role": "emperor"}, "role"),
    ):
        answer = browser(ada).post("/people/users/new", NEW | wrong)
        assert answer.status_code == 400
        assert list(answer.context["form"].errors) == [field]
        assert ('value="nora"' in answer.content.decode()) == (field != "username")
    assert not User.objects.filter(username="nora").exists()


def test_a_role_is_changed_and_the_last_admin_stays(ada: User, uma: User) -> None:
    client = browser(ada)
    values = {"username": "uma", "email": "uma@example.com", "role": "viewer", "edit_scope": "own"}
    assert client.post(f"/people/users/{uma.uid}/edit", values).status_code == 302
    uma.refresh_from_db()
    assert uma.role == User.Role.VIEWER
    mine = {"username": "ada", "email": "ada@example.com", "role": "user", "edit_scope": "own"}
    answer = client.post(f"/people/users/{ada.uid}/edit", mine)
    assert answer.status_code == 400
    assert "At least one active admin must remain." in answer.content.decode()


def test_an_administrator_ends_the_sessions_of_somebody_else(ada: User, uma: User) -> None:
    theirs = browser(uma)
    assert theirs.get("/jobs").status_code == 200
    browser(ada).post(f"/people/users/{uma.uid}/end-sessions")
    assert theirs.get("/jobs").status_code == 302


def test_a_viewer_reads_teams_with_members_jobs_and_destinations(ada: User, uma: User, vic: User) -> None:
    team = Team.objects.create(name="Night shift", slack_handle="@night")
    team.members.add(uma)
    make_job(uma, name="nightly", team=team.pk)
    place = Destination.objects.create(name="Pager", slug="pager", channel="discord", secrets={})
    place.teams.add(team)
    client = browser(vic)
    assert client.get("/people").headers["Location"] == "/people/teams"
    page = text(client, f"/people/teams/{team.uid}")
    assert all(word in page for word in ("uma", "nightly", "@night", "Pager"))
    assert "/edit" not in page
    text(client, f"/people/users/{uma.uid}", 403)


def test_a_team_counts_only_jobs_that_its_reader_sees(uma: User) -> None:
    here, away = Category.objects.create(name="Here"), Category.objects.create(name="Away")
    team = Team.objects.create(name="Both")
    make_job(None, name="seen", team=team.pk, category=here.pk)
    make_job(None, name="unseen-one", team=team.pk, category=away.pk)
    User.objects.filter(pk=uma.pk).update(category=here)
    client = browser(User.objects.get(pk=uma.pk))
    assert [count for _team, count in client.get("/people/teams").context["rows"]] == [1]
    assert "unseen-one" not in text(client, f"/people/teams/{team.uid}")


def test_a_team_is_made_renamed_and_gets_members(ada: User, uma: User) -> None:
    client = browser(ada)
    client.post("/people/teams/new", {"name": "Night", "is_active": "on", "members": [uma.pk]})
    team = Team.objects.get(slug="night")
    assert list(team.members.all()) == [uma]
    client.post(f"/people/teams/{team.uid}/edit", {"name": "Late shift", "is_active": "on"})
    team.refresh_from_db()
    assert (team.name, team.slug, team.members.count()) == ("Late shift", "late-shift", 0)


@pytest.mark.parametrize("kind", ["teams", "categories"])
def test_a_name_that_gives_no_slug_is_refused_unless_one_is_chosen(ada: User, kind: str) -> None:
    client = browser(ada)
    refused = client.post(f"/people/{kind}/new", {"name": "夜班", "is_active": "on"})
    assert list(refused.context["form"].errors) == ["name"]
    assert (
        client.post(f"/people/{kind}/new", {"name": "夜班", "slug": "night", "is_active": "on"}).status_code
        == 302
    )
    again = client.post(f"/people/{kind}/new", {"name": "Night", "is_active": "on"})
    assert list(again.context["form"].errors) == ["name"]


def test_categories_have_counts_and_disabling_one_says_what_becomes_of_its_jobs(ada: User, uma: User) -> None:
    place = Category.objects.create(name="Finance")
    job = make_job(uma, name="invoices", category=place.pk)
    client = browser(ada)
    counts = {one.name: count for one, count in client.get("/people/categories").context["rows"]}
    assert counts["Finance"] == 1
    page = text(client, f"/people/categories/{place.uid}/disable")
    assert "invoices" in page
    assert "stays in the category" in page
    client.post(f"/people/categories/{place.uid}/disable")
    place.refresh_from_db()
    assert not place.is_active
    assert Job.objects.get(pk=job.pk).category == place


def test_disabling_a_team_says_what_becomes_of_its_jobs_and_offers_them_to_another(
    ada: User, uma: User
) -> None:
    team = Team.objects.create(name="Night shift")
    job = make_job(uma, name="invoices", team=team.pk)
    client, path = browser(ada), f"/people/teams/{team.uid}/disable"
    page = text(client, path)
    assert all(word in page for word in ("invoices", "keeps the team", "Give to another team…"))
    assert "disable" not in text(browser(uma), f"/people/teams/{team.uid}")
    assert browser(uma).post(path).status_code == 403
    assert client.post(path).headers["Location"] == f"/people/teams/{team.uid}"
    team.refresh_from_db()
    assert not team.is_active
    assert Job.objects.get(pk=job.pk).team == team


def test_the_category_general_keeps_its_name(ada: User) -> None:
    general = Category.general()
    answer = browser(ada).post(f"/people/categories/{general.uid}/edit", {"name": "Else", "is_active": "on"})
    assert list(answer.context["form"].errors) == ["name"]


def test_markup_in_names_stays_text(ada: User, uma: User) -> None:
    odd = "<script>alert(1)</script>"
    Team.objects.create(name=odd, slug="odd").members.add(uma)
    Category.objects.create(name=odd, slug="odd", description=odd)
    make_job(uma, name=odd)
    team = Team.objects.get(slug="odd")
    for path in ("/people", f"/people/users/{uma.uid}", f"/people/users/{uma.uid}/leave", "/people/teams"):
        assert odd not in text(browser(ada), path)
    assert odd not in text(browser(ada), f"/people/teams/{team.uid}") + text(
        browser(ada), "/people/categories"
    )
