"""Whatever is sent, the answer is one that the API's document describes: no fault of ours, no other status, no other body."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests_contract.conftest import SECONDS, Belfry

pytestmark = pytest.mark.contract

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
# They end the logins that the tests themselves use.
ENDINGS = ("log_out", "end_all_sessions", "end_session")
# Who is turned away everywhere needs less time than who may do things.
SHARES = {"admin": 4, "user": 3, "viewer": 2, "nobody": 1}
# One value after the other at its limits, then many at random and in sequences; each has half of the time.
PHASES = ("examples,coverage", "fuzzing,stateful")


@pytest.mark.parametrize("phases", PHASES)
@pytest.mark.parametrize("role", SHARES)
def test_answers_are_as_described(
    belfry: Belfry, accounts: dict[str, tuple[str, str]], role: str, phases: str
) -> None:
    token = accounts[role][0]
    seconds = max(1, SECONDS * SHARES[role] // sum(SHARES.values()) // len(PHASES))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(CONFIGURATION)),
        *("run", str(belfry.document), "--url", belfry.api, "--max-time", str(seconds)),
        *("--phases", phases, "--checks", ",".join(CHECKS)),
        *(part for name in ENDINGS for part in ("--exclude-operation-id", name)),
        *(("--header", f"Authorization:Bearer {token}") if token else ()),
    ]
    owned = ",".join(account for _token, account in accounts.values() if account)
    found = {"CONTRACT_API": belfry.api, "CONTRACT_ADMIN": accounts["admin"][0], "CONTRACT_ACCOUNTS": owned}
    # In a directory of its own: it leaves a cache where it runs.
    environment = os.environ | found | {"PYTHONPATH": str(settings.BASE_DIR)}
    directory = belfry.document.parent
    status = subprocess.run(command, env=environment, cwd=directory, check=False).returncode
    assert status == 0, f"see above; the server said:\n{belfry.said()[-3000:]}"
    assert belfry.process.poll() is None
