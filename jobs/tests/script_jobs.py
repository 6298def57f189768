"""Script jobs for tests of what lies around the runner; their environments are rows and nothing on disk."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from environments.models import Environment
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import entries

TEXT = "import sys\n\nif True:\n\tprint('ä  ')  \n"


def environment(name: str = "reports", **values: Any) -> Environment:
    ready = {"backend": "pypi", "state": Environment.State.READY, "python_version": "3.12.4"}
    return Environment.objects.create(name=name, **(ready | values))


def script_job(owner: User | None = None, text: str = TEXT, *, where: Environment, **changes: Any) -> Job:
    options = changes.pop("options", {"script": text})
    return make_job(owner, kind="script", options=options, environment=where.uid, **changes)


def script_entries(text: str = TEXT, **changes: Any) -> dict[str, Any]:
    """The form of a script as a browser sends it: its lines end in CRLF."""
    sent = text.replace("\r\n", "\n").replace("\n", "\r\n")
    values = entries(kind="script", **{"options-script": sent}, **changes)
    del values["options-target_url"]
    return values
