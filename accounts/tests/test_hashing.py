"""Passwords are hashed before the transaction: it takes long on purpose, and SQLite has one writer at a time."""

from __future__ import annotations

import pytest
from django.contrib.auth import hashers
from django.db import connection

from accounts import verbs
from accounts.models import User
from audit.record import Actor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def in_transaction(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each password that was hashed, whether a transaction was open."""
    seen: list[bool] = []

    def noted(password: str) -> str:
        seen.append(connection.in_atomic_block)
        return hashers.make_password(password)

    monkeypatch.setattr(verbs, "make_password", noted)
    return seen


def test_a_new_account_is_hashed_before_its_transaction(in_transaction: list[bool]) -> None:
    user = verbs.register("newcomer", "horse-battery-9", by=Actor.system(), role=User.Role.USER)
    assert in_transaction == [False]
    assert User.objects.get(pk=user.pk).check_password("horse-battery-9")


def test_a_new_password_is_hashed_before_its_transaction(uma: User, in_transaction: list[bool]) -> None:
    User.objects.filter(pk=uma.pk).update(must_change_password=True)
    user = verbs.update(uma, {"password": "horse-battery-9"}, by=Actor.system())
    assert in_transaction == [False]
    assert user.check_password("horse-battery-9")
    assert not User.objects.get(pk=uma.pk).must_change_password
