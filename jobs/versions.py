"""Versions of a job, kept in the audit trail: lists them, finds the one that a run used, restores one."""

from __future__ import annotations

import datetime as dt
import uuid
from copy import copy
from dataclasses import replace
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from jobs import verbs
from jobs.changes import snapshots
from jobs.changes.snapshots import Gone
from jobs.forms.job import JobForm, form_data
from jobs.models import Job
from jobs.verbs import JobChanges
from scheduler_site.lib import credentials

# At most this many versions are offered for comparison; older ones by their number.
SHOWN = 200
# What a column of numbers holds on every database.
MOST = 2**31


class Unrestorable(Exception):
    """A version that the job cannot go back to now; `problems` say why, each a sentence."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def newest(uid: uuid.UUID) -> list[Entry]:
    """The entries that made versions, the newest first."""
    return list(Entry.objects.versions(uid).order_by("-at", "-id")[:SHOWN])


def newest_number(uid: uuid.UUID) -> int:
    """0 without any."""
    found: int | None = Entry.objects.versions(uid).aggregate(newest=Max("version"))["newest"]
    return found or 0


def one(uid: uuid.UUID, number: int) -> Entry | None:
    """The entry of this version; none where there is no such one."""
    return Entry.objects.versions(uid).filter(version=number).first() if number < MOST else None


def used(uid: uuid.UUID, at: dt.datetime, definition: dict[str, Any]) -> tuple[Entry, list[str]] | None:
    """The version in force when a run was made at `at`, and in what the run's `definition` differs from it; None without any.

    Runs are made of the job as it was read a moment before: the version just after `at` is taken where it fits exactly.
    """
    versions = Entry.objects.versions(uid)
    before = versions.filter(at__lte=at).order_by("-at", "-id").first()
    after = versions.filter(at__gt=at).order_by("at", "id").first()
    candidates = [(entry, _differing(entry, definition)) for entry in (before, after) if entry]
    exact = next((found for found in candidates if not found[1]), None)
    return exact or (candidates[0] if before else None)


def _differing(entry: Entry, definition: dict[str, Any]) -> list[str]:
    told = credentials.masked(snapshots.bare(entry.snapshot or {}).definition())
    definition = credentials.masked(definition)
    return [name for name in told if name in definition and definition[name] != told[name]]


def restore(job: Job, number: int, *, by: Actor, user: User) -> bool:
    """Gives the job the definition of one of its versions. False when it has it already.

    What is restored is judged by the form, like everything that is entered. Secrets, the owner, and whether the job is paused
    stay. Raises Unrestorable, PermissionDenied for code without the right to it, Refused as `verbs.update`.
    """
    entry = one(job.uid, number)
    if entry is None or entry.snapshot is None:
        raise Unrestorable([_("There is no version %(number)d.") % {"number": number}])
    changes = _restored(entry.snapshot, job, user)
    before = job.updated_at
    changed = verbs.update(job, changes, by=by, description=f"restored version {number}")
    job.dropped_secrets = changed.dropped_secrets
    return changed.updated_at != before


def _restored(definition: dict[str, Any], job: Job, user: User) -> JobChanges:
    try:
        old = snapshots.restored(definition)
    except Gone as reason:
        raise Unrestorable([str(reason)]) from reason
    edges = [{"job": edge["job"], "on": edge["on"]} for edge in definition["depends_on"]]
    form = JobForm(form_data(old) | {"depends_on": edges}, user=user, instance=copy(job))
    if not form.is_valid():
        raise Unrestorable(list(_problems(form, definition)))
    changes = form.changes()
    timing = changes.timing
    if timing is not None and timing.kind == old.timing.kind:
        # Its grid and its bounds as well, which the form does not know.
        timing = replace(old.timing, enabled=timing.enabled)
    return replace(changes, timing=timing, secrets=None)


def _problems(form: JobForm, definition: dict[str, Any]) -> list[str]:
    found = []
    for name, errors in form.errors.items():
        if name in ("category", "team", "environment"):
            text = _("%(name)s: “%(value)s” cannot be chosen any more.")
            found.append(text % {"name": name, "value": (definition.get(name) or {}).get("name", "–")})
        else:
            found += [f"{name}: {error}" if name != "__all__" else str(error) for error in errors]
    return found
