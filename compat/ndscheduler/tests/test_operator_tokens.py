"""The token of an operator on the writes of this dialect: resuming by OPTIONS is one of them."""

from __future__ import annotations

import json

import pytest

from accounts.models import User
from audit.models import Entry
from compat.ndscheduler.tests.conftest import BODY, Speak
from scheduler_site.rest.operator_tokens import expected

REFUSED = {"detail": "Token 驗證失敗"}


def test_a_right_token_is_noted_in_the_entry(v1: Speak, ada: User) -> None:
    v1(ada).add(user_id="user123", token=expected("user123"))
    assert Entry.objects.get(event="added", object_type="job").operator == "user123"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "DELETE"])
def test_a_wrong_token_is_refused_on_every_write(v1: Speak, ada: User, method: str) -> None:
    client = v1(ada)
    job, entries = client.add(), Entry.objects.count()
    wrong = {"X_Operator_Id": "user123", "X_Operator_Token": "0" * 32}
    answer = client.ask(method, f"/jobs/{job}", BODY, **wrong)
    assert (answer.status_code, json.loads(answer.content)) == (401, REFUSED)
    assert Entry.objects.count() == entries
    assert client.ask("GET", f"/jobs/{job}", **wrong).status_code == 200
