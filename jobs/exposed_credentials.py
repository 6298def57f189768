"""Finds credentials in the options and metadata of a job, which everybody reads, and moves them to its secrets."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.record import Actor
from jobs import verbs
from jobs.models import Job
from jobs.verbs import JobChanges, Refused
from scheduler_site.lib import credentials
from scheduler_site.lib.encrypted import Undecryptable

Objects = dict[str, dict[str, Any]]


def exposed(job: Job) -> list[str]:
    """Where they are: paths such as `options.headers.Authorization`."""
    return _paths({"options": job.options, "metadata": job.metadata})


def movable(job: Job) -> list[str]:
    """Those of them that the secrets have a place for: headers, parameters of the URL and metadata of webhooks, variables of
    scripts; not what is in lists, in other URLs, or before the host of one.
    """
    left = _paths(_apart(job)[0])
    return [path for path in exposed(job) if path not in left]


@transaction.atomic
def move(job: Job, *, by: Actor) -> list[str]:
    """Moves what can be moved; the paths. Raises Refused where the present secrets cannot be read."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    paths = movable(job)
    if isinstance(job.secrets, Undecryptable):
        raise Refused(
            _("The secrets cannot be read: the key that encrypted them is not among ENCRYPTION_KEYS.")
        )
    if not paths:
        return []
    values, taken = _apart(job)
    if job.kind == Job.Kind.WEBHOOK:
        more = {name: _merged(job, name, found) for name, found in taken.items()}
    else:
        more = {name: str(text) for name, text in taken["variables"].items()}
    changes = JobChanges(values, secrets=dict(job.secrets) | more, rearranged=True)
    verbs.update(job, changes, by=by, description="credentials moved to the secrets")
    return paths


def _paths(values: Objects) -> list[str]:
    return [f"{name}.{path}" for name, value in values.items() for path in credentials.found(value)]


def _apart(job: Job) -> tuple[Objects, Objects]:
    """Options and metadata without what can be moved; and that, by where it was."""
    options, metadata = dict(job.options), job.metadata
    taken: Objects = {}
    for name in _OBJECTS.get(job.kind, ()):
        rest, taken[name] = credentials.split(options.get(name) or {})
        if taken[name]:
            options = {key: value for key, value in (options | {name: rest}).items() if value != {}}
    if job.kind == Job.Kind.WEBHOOK:
        options["target_url"], taken["query"] = credentials.split_url(options["target_url"])
        metadata, taken["metadata"] = credentials.split(metadata)
    values = {"options": options, "metadata": metadata}
    return values, {name: found for name, found in taken.items() if found}


_OBJECTS: dict[str, tuple[str, ...]] = {Job.Kind.WEBHOOK: ("headers",), Job.Kind.SCRIPT: ("variables",)}


def _merged(job: Job, name: str, more: dict[str, Any]) -> str:
    """What is stored there goes first: it did so before."""
    try:
        stored = json.loads(job.secrets.get(name) or "{}")
    except ValueError:
        stored = {}
    known = stored if isinstance(stored, dict) else {}
    return json.dumps(credentials.joined(more, known))
