"""Job classes of the registry. They run without Django and without our secrets (docs/job-classes.md), so they call the API."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from jobs.classes.base import Job
from themes import semesters

TIMEOUT = 30  # seconds, for the connection and for each silence of the other side
LONGEST_ID = 50
# That of the school-year calendar.
ZONE = ZoneInfo("Asia/Taipei")


class CopyCourseEntries(Job):
    """Takes what courses entered along to another semester; run twice, it leaves the same state."""

    notes = (
        "Copies course entries of the theme registry from one semester to another. Without semesters: from the last one "
        "into that of the run. THEMES_URL holds the address of the registry."
    )
    arguments = (
        {
            "type": "string",
            "description": 'Source semester, for example "1131"; empty: the one before the target',
        },
        {"type": "string", "description": "Target semester; empty: that of the run's due time"},
        {"type": "array", "description": "Courses; empty: all that have entries in the source"},
    )
    example_arguments = '["", "", []]'

    def run(self, source: str = "", target: str = "", courses: Sequence[str] = ()) -> dict[str, Any]:
        """{"source", "target", "courses", "copied", "skipped", "deleted"}. Raises RuntimeError once all courses were tried."""
        target = target or semesters.of(_day_of_the_run())
        source = source or semesters.before(target)
        registry = _Registry()
        wanted = list(courses) or registry.courses(source)
        counts = dict.fromkeys(("copied", "skipped", "deleted"), 0)
        failed = []
        for course in wanted:
            try:
                done = registry.copy(course, source, target)
            except RuntimeError as problem:
                failed.append(f"{course}: {problem}")
                continue
            print(f"{course}: {done['message']}", flush=True)  # noqa: T201 - the run's log
            for name in counts:
                counts[name] += done[f"{name}_count"]
        if failed:
            print(*failed, sep="\n", flush=True)  # noqa: T201
            raise RuntimeError(f"{len(failed)} of {len(wanted)} courses were not copied; {failed[0]}")
        return {"source": source, "target": target, "courses": len(wanted), **counts}


def _day_of_the_run() -> dt.date:
    """When it was due; of a manual run, today."""
    slot = os.environ.get("BELFRY_SLOT")
    moment = dt.datetime.fromisoformat(slot) if slot else dt.datetime.now(dt.UTC)
    return moment.astimezone(ZONE).date()


class _Registry:
    """The operator of its writes is the job, by its name."""

    def __init__(self) -> None:
        import requests  # only this class pays for it

        port = os.environ.get("PORT") or "8000"
        self._url = (os.environ.get("THEMES_URL") or f"http://127.0.0.1:{port}").rstrip("/")
        self._session = requests.Session()
        self._user_id = (os.environ.get("BELFRY_JOB") or "belfry")[:LONGEST_ID]
        self._token = ""

    def courses(self, semester: str) -> list[str]:
        return list(self._call("GET", f"/school-years/{semester}/courses")["course_ids"])

    def copy(self, course: str, source: str, target: str) -> dict[str, Any]:
        self._token = self._token or self._today()
        places = {"source_school_year_semester": source, "target_school_year_semester": target}
        signed = {"user_id": self._user_id, "token": self._token}
        return self._call("POST", "/course-entries/copy", places | signed | {"course_id": course})

    def _today(self) -> str:
        """The token of the day that the server has: it is asked, for its zone is not known here."""
        now = dt.datetime.now(dt.UTC).date()
        for days in (0, 1, -1):
            token = _token_of(self._user_id, f"{now + dt.timedelta(days):%Y%m%d}")
            body = {"user_id": self._user_id, "token": token}
            if self._call("POST", "/token/verify", body)["result"]["valid"]:
                return token
        raise RuntimeError(
            "The registry takes no token of ours: OPERATOR_TOKEN_SALT and _ALGORITHM must be its own"
        )

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Raises RuntimeError for every answer but a good one."""
        # A redirect would make a GET of a POST.
        answer = self._session.request(
            method, self._url + path, json=body, timeout=TIMEOUT, allow_redirects=False
        )
        try:
            told = answer.json()
        except ValueError:
            told = None
        if answer.status_code == 200 and isinstance(told, dict):
            return told
        problem = (
            told.get("detail", "") if isinstance(told, dict) else f"from {self._url}, which is no registry"
        )
        raise RuntimeError(f"{answer.status_code} {problem}".strip())


def _token_of(user_id: str, day: str) -> str:
    """As scheduler_site/rest/operator_tokens.py makes it, which needs Django's settings."""
    salt = os.environ.get("OPERATOR_TOKEN_SALT") or "nchu"
    if os.environ.get("OPERATOR_TOKEN_ALGORITHM") == "hmac-sha256":
        return hmac.new(salt.encode(), f"{user_id}{day}".encode(), hashlib.sha256).hexdigest()
    return hashlib.md5(f"{user_id}{salt}{day}".encode(), usedforsecurity=False).hexdigest()
