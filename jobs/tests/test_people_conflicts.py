"""Two administrators edit one account, team or category: what the other saved meanwhile is shown, and saving needs a choice."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from accounts.models import Category, Team, User
from jobs.tests.forms import as_sent
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db
Form = dict[str, Any]


@pytest.fixture
def bea() -> User:
    return User.objects.create_user("bea", "bea@example.com", "x", role="admin")


def opened(user: User, path: str, **changes: Any) -> Form:
    """The form as `user` has opened it, with these fields changed."""
    return dict(as_sent(browser(user).get(path).content.decode(), "read").lists()) | changes


def save(user: User, path: str, form: Form) -> HttpResponse:
    answer = browser(user).post(path, form)
    assert isinstance(answer, HttpResponse)
    return answer


def asked(answer: HttpResponse) -> tuple[dict[str, str], Form]:
    """What is to be decided, with what is chosen already, and the form as it stands on the page."""
    assert answer.status_code == 409
    rows = answer.context["conflict"].rows  # type: ignore[attr-defined]
    return {row.name: row.chosen for row in rows}, dict(as_sent(answer.content.decode(), "read").lists())


def test_of_an_account_that_both_changed_nothing_is_lost(ada: User, bea: User, uma: User) -> None:
    path = f"/people/users/{uma.uid}/edit"
    mine = opened(ada, path, role="viewer", email="mine@example.com")
    save(bea, path, opened(bea, path, role="admin", edit_scope="category"))
    answer = save(ada, path, mine)
    rows, form = asked(answer)
    assert rows == {"role": "", "edit_scope": "theirs"}
    assert "bea changed this" in answer.content.decode()
    assert form["email"] == ["mine@example.com"]
    # Without a choice it is asked again, as often as somebody tries.
    assert asked(save(ada, path, form))[0] == rows
    assert save(ada, path, form | {"choice-role": "theirs"}).status_code == 302
    uma.refresh_from_db()
    assert (uma.role, uma.edit_scope, uma.email) == ("admin", "category", "mine@example.com")


def test_members_of_a_team_that_somebody_else_added_stay(ada: User, bea: User, uma: User) -> None:
    team = Team.objects.create(name="Night shift")
    path = f"/people/teams/{team.uid}/edit"
    mine = opened(ada, path, slack_handle="@night")
    save(bea, path, opened(bea, path, members=[uma.pk]))
    answer = save(ada, path, mine)
    rows, form = asked(answer)
    assert rows == {"members": "theirs"}
    assert "Saved by bea" in answer.content.decode()
    assert save(ada, path, form).status_code == 302
    team.refresh_from_db()
    assert (team.slack_handle, list(team.members.all())) == ("@night", [uma])


def test_of_a_category_the_choice_for_what_was_typed_is_saved(ada: User, bea: User) -> None:
    place = Category.objects.create(name="Finance")
    path = f"/people/categories/{place.uid}/edit"
    mine = opened(ada, path, description="mine")
    save(bea, path, opened(bea, path, description="theirs"))
    _rows, form = asked(save(ada, path, mine))
    assert save(ada, path, form | {"choice-description": "mine"}).status_code == 302
    assert Category.objects.get(pk=place.pk).description == "mine"


def test_a_third_who_saves_meanwhile_is_a_conflict_again(ada: User, bea: User) -> None:
    place = Category.objects.create(name="Finance")
    path = f"/people/categories/{place.uid}/edit"
    mine = opened(ada, path, description="mine")
    save(bea, path, opened(bea, path, description="theirs"))
    _rows, form = asked(save(ada, path, mine))
    save(bea, path, opened(bea, path, description="theirs again"))
    assert asked(save(ada, path, form | {"choice-description": "mine"}))[0] == {"description": "mine"}
    assert Category.objects.get(pk=place.pk).description == "theirs again"


def test_what_both_entered_alike_or_nobody_changed_is_no_question(ada: User, bea: User) -> None:
    place = Category.objects.create(name="Finance")
    path = f"/people/categories/{place.uid}/edit"
    mine = opened(ada, path, description="same")
    save(bea, path, opened(bea, path, description="same"))
    assert save(ada, path, mine).status_code == 302


@pytest.mark.parametrize("rubbish", ["x", "[]", "{", '{"name": {}}', "\0"])
def test_rubbish_for_what_was_read_makes_every_difference_a_question(ada: User, rubbish: str) -> None:
    place = Category.objects.create(name="Finance")
    path = f"/people/categories/{place.uid}/edit"
    rows, form = asked(save(ada, path, opened(ada, path, description="mine", read=rubbish)))
    assert rows == {"description": ""}
    assert save(ada, path, form | {"choice-description": "mine"}).status_code == 302
