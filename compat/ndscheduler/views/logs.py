"""`/logs`: what people did to jobs, out of the audit trail."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest

from audit.models import Entry
from compat.ndscheduler import wire
from compat.ndscheduler.views import access, ranges
from compat.ndscheduler.views.base import JSON_TYPE, Answer, V1View
from jobs import redaction
from jobs.models import Job
from jobs.models.stored_schedule import Timing
from scheduler_site.lib import clock, credentials
from scheduler_site.rest.streamed import first, is_long, streamed

USUAL = dt.timedelta(days=1)
MOST = 20_000
EVENTS = (
    Entry.Event.ADDED,
    Entry.Event.MODIFIED,
    Entry.Event.DELETED,
    Entry.Event.PAUSED,
    Entry.Event.RESUMED,
    Entry.Event.CUSTOM_RUN,
)


class LogsView(V1View):
    """GET the entries of a time range, the newest first. 400 for times that cannot be read."""

    def get(self, request: HttpRequest) -> Answer:
        start, end = ranges.read(request, USUAL, clock.now())
        found = Entry.objects.filter(object_type="job", event__in=EVENTS, at__gte=start, at__lte=end)
        if self.user.category_id:
            # Of a job that was moved meanwhile it counts where it is now, of one that is gone where it was.
            there = Job.objects.filter(pk=OuterRef("object_id"))
            gone = Q(category_id=self.user.category_id) & ~Exists(there)
            found = found.filter(Exists(access.jobs(self.user).filter(pk=OuterRef("object_id"))) | gone)
        found = found.order_by("-at", "-id")
        entries = list(first(found))
        if not is_long(entries):
            return {"logs": self._all_shown(entries), "total": len(entries)}
        keys = list(found.values_list("pk", flat=True)[:MOST])
        return streamed("logs", keys, self._page, after={"total": len(keys)}, content_type=JSON_TYPE)

    def _page(self, keys: Sequence[int]) -> list[dict[str, Any]]:
        return self._all_shown(list(Entry.objects.filter(pk__in=keys).order_by("-at", "-id")))

    def _all_shown(self, entries: list[Entry]) -> list[dict[str, Any]]:
        entries = redaction.for_reader(entries, self.user)
        jobs = _jobs({entry.object_id for entry in entries})
        return [self._shown(entry, jobs.get(entry.object_id)) for entry in entries]

    def _shown(self, entry: Entry, job: Job | None) -> dict[str, Any]:
        """With its job, where that still exists: not every entry knows the job's id."""
        uid = entry.object_uid or (job.uid if job else None)
        job_id = uid.hex if uid else ""
        return {
            "job_id": job_id,
            "job_name": _name(entry, job),
            "event": entry.event,
            "user": entry.actor_name,
            "description": description(entry, job_id, self._category),
            "created_time": wire.microseconds(entry.at),
        }

    def _category(self, key: int | None) -> int:
        return self.numbers.of_job(key)


def _name(entry: Entry, job: Job | None) -> str:
    """As it was then; several jobs of this dialect may have one name, and ours carry a number that it does not show."""
    if job is not None and job.client_form.get("known_as") == entry.object_name:
        return str(job.client_form["name"])
    return entry.object_name


def description(entry: Entry, job_id: str, category: Callable[[int | None], int]) -> str:
    """In the words of this dialect; `category` gives the number of one."""
    if not entry.changes:
        return entry.description  # of a pause or a run, or written by another system
    changes = credentials.masked(entry.changes)
    match entry.event:
        case Entry.Event.ADDED:
            return _text(_side(changes, "new").get("pub_args", []))
        case Entry.Event.DELETED:
            shown = {"category_id": category(entry.category_id), "next_run_time": ""}
            return _text({"job_id": job_id} | _side(changes, "old") | shown)
        case Entry.Event.MODIFIED:
            old, new = (_side(changes, side) for side in ("old", "new"))
            differing = {
                field: {"old": old.get(field), "new": new.get(field)}
                for field in {**old, **new}
                if old.get(field) != new.get(field)
            }
            return _text({"changes": differing, "timestamp": wire.microseconds(entry.at)})
        case _:
            return entry.description


def _side(changes: dict[str, Any], side: str) -> dict[str, Any]:
    """One side of the changes, in the fields of this dialect where it has some."""
    values = {field: change.get(side) for field, change in changes.items() if isinstance(change, dict)}
    options, schedule = values.pop("options", None), values.pop("schedule", None)
    if isinstance(options, dict):
        # Without its kind it has not changed it; then the options tell.
        kind = values.pop("kind", None) or (Job.Kind.PYTHON_CLASS if "job_class" in options else "")
        values["job_class_string"], values["pub_args"] = wire.called(str(kind), options)
    if isinstance(schedule, dict):
        known = {name: value for name, value in schedule.items() if name in Timing.__dataclass_fields__}
        values |= wire.timing_fields(Timing.from_json(known))
    return values


def _jobs(keys: set[int | None]) -> dict[int | None, Job]:
    """Those that still exist."""
    found = Job.objects.filter(pk__in=[key for key in keys if key]).only("uid", "client_form")
    return {job.pk: job for job in found}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
