"""Statements that are compiled once: they say what their queryset says, for any values."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import Category, User
from accounts.readers import ForReader
from scheduler_site.lib.database.prepared import Prepared

pytestmark = pytest.mark.django_db


def test_the_rows_are_those_of_the_values(ada: User, uma: User) -> None:
    calls = []

    def build(key: int, since: dt.datetime) -> object:
        calls.append(key)
        return User.objects.filter(pk=key, date_joined__gte=since).values_list("username", "date_joined")

    found = Prepared(build, int, dt.datetime)  # type: ignore[arg-type]
    before, after = (timezone.now() + dt.timedelta(days=days) for days in (-1, 1))
    assert found(ada.pk, before) == [("ada", ada.date_joined)]
    assert (found.first(uma.pk, before), found.first(uma.pk, after)) == ("uma", None)
    assert (found.count(uma.pk, before), found.count(uma.pk, after)) == (1, 0)
    assert len(calls) == 2, "it was made anew"


def test_a_text_is_a_value_whatever_is_in_it(ada: User) -> None:
    found = Prepared(lambda name: User.objects.filter(username=name).values_list("pk"), str)
    assert [found.first(name) for name in ("ada", "%s", "{}", "' OR 1=1 --", "")] == [
        ada.pk,
        None,
        None,
        None,
        None,
    ]


def test_values_that_are_used_otherwise_are_refused(ada: User) -> None:
    for build in (
        lambda key: User.objects.filter(pk=key + 1).values_list("pk"),
        lambda key: User.objects.filter(**({"pk": key} if key % 200 < 100 else {"role": "x"})).values_list(
            "pk"
        ),
        lambda key: User.objects.filter(pk=key, date_joined__lt=timezone.now()).values_list("pk"),
    ):
        with pytest.raises(ValueError, match="prepared"):
            Prepared(build, int)(ada.pk)


def test_what_finds_nothing_by_itself_finds_nothing(ada: User) -> None:
    nobody = Prepared(lambda key: User.objects.none().filter(pk=key).values_list("pk"), int)
    assert (nobody(ada.pk), nobody.first(ada.pk), nobody.count(ada.pk)) == ([], None, 0)


def test_each_kind_of_reader_has_a_statement_of_its_own(ada: User, uma: User, vic: User) -> None:
    uma.category = Category.objects.create(name="Elsewhere")
    uma.save()

    def build(user: User) -> object:
        rows = User.objects.filter(pk=user.pk) if not user.is_admin else User.objects.all()
        return (rows.filter(category=user.category_id) if user.category_id else rows).values_list("username")

    seen = ForReader(build)  # type: ignore[arg-type]
    assert [seen.count(user) for user in (ada, uma, vic, ada)] == [
        User.objects.count(),
        1,
        1,
        User.objects.count(),
    ]
    assert [seen(user) for user in (uma, vic)] == [[("uma",)], [("vic",)]]
