"""Asks a Belfry whose database cannot be reached; run as a program of its own, with that database in DATABASE_URL.

Reads `[[method, path, headers], ...]` from its arguments; writes a line of JSON for each answer, the log goes to stderr.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django


def answers(requests: list[tuple[str, str, dict[str, str]]]) -> list[dict[str, Any]]:
    from django.test import Client, override_settings

    client = Client(raise_request_exception=False)
    body = json.dumps({"username": "ada", "password": "correct-horse-9"})
    # The pages name their scripts and styles, which nobody has collected here.
    files = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(STORAGES={"staticfiles": files}):
        got = [
            client.generic(method, path, body, content_type="application/json", headers=headers)
            for method, path, headers in requests
        ]
    return [
        {"status": one.status_code, "text": one.content.decode(), "headers": dict(one.headers)} for one in got
    ]


def bearer() -> str:
    """A token of an account that only the database knows; it is sound by itself."""
    from accounts.models import User
    from accounts.signin import json_web_tokens

    return json_web_tokens.issue(User(username="ada"))[0]


if __name__ == "__main__":
    django.setup()
    asked = [
        (method, path, {"Authorization": f"Bearer {bearer()}"} if who == "bearer" else who)
        for method, path, who in json.loads(sys.argv[1])
    ]
    json.dump(answers(asked), sys.stdout)
