"""What the page after saving needs: the browser's draft to delete, and the version for Undo."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.pages.request import PageRequest
from jobs import versions
from jobs.models import Job

KEY = "job_saved"


@dataclass(frozen=True)
class Saved:
    """`draft`: its name in the browser. `undo`: the number of the version before; 0 where there is none to go back to."""

    draft: str
    undo: int


def remember(request: PageRequest, job: Job, *, draft: str, before: int = 0) -> None:
    """`before`: the number of the newest version before it was saved."""
    changed = before and versions.newest_number(job.uid) > before
    name = f"{request.user.uid}:{draft}"
    request.session[KEY] = {"job": str(job.uid), "draft": name, "undo": before if changed else 0}


def taken(request: PageRequest, job: Job) -> Saved | None:
    """Once, by the page of that job."""
    found = request.session.get(KEY)
    if not isinstance(found, dict) or found.get("job") != str(job.uid):
        return None
    del request.session[KEY]
    return Saved(found["draft"], found["undo"])
