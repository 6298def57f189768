"""Credentials that were typed where everybody reads them, moved to the secrets of their job."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from audit.record import By
from jobs import verbs
from jobs.models import Job
from jobs.verbs import Draft, Refused
from scheduler_site.lib import credentials
from scheduler_site.lib.encrypted import Unreadable

PLACES: dict[str, tuple[str, ...]] = {
    Job.Kind.WEBHOOK: ("options.headers.", "options.target_url?", "metadata."),
    Job.Kind.SCRIPT: ("options.variables.",),
}


def exposed(job: Job) -> list[str]:
    """Where they are: paths such as `options.headers.Authorization`."""
    options = [f"options.{path}" for path in credentials.found(job.options)]
    return options + [f"metadata.{path}" for path in credentials.found(job.metadata)]


def movable(job: Job) -> list[str]:
    """Those of them that the secrets have a place for: headers, parameters of the URL and metadata of webhooks, variables of
    scripts. All others are known to the job's code alone.
    """
    return [path for path in exposed(job) if path.startswith(PLACES.get(job.kind, ()))]


@transaction.atomic
def move(job: Job, *, by: By) -> list[str]:
    """Moves what can be moved; the paths. Raises Refused where the present secrets cannot be read."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    paths = movable(job)
    if isinstance(job.secrets, Unreadable):
        raise Refused(
            _("The secrets cannot be read: the key that encrypted them is not among ENCRYPTION_KEYS.")
        )
    if not paths:
        return []
    values, more = _of_webhook(job) if job.kind == Job.Kind.WEBHOOK else _of_script(job)
    secrets = dict(job.secrets) | more
    draft = Draft(values, secrets=secrets, rearranged=True)
    verbs.update(job, draft, by=by, description="credentials moved to the secrets")
    return paths


def _of_webhook(job: Job) -> tuple[dict[str, Any], dict[str, str]]:
    options: dict[str, Any] = dict(job.options)
    secrets: dict[str, str] = {}
    headers, taken = credentials.split(options.get("headers") or {})
    if taken:
        options["headers"] = headers
        options = {name: value for name, value in options.items() if value != {}}
        secrets["headers"] = _merged(job, "headers", taken)
    url, parameters = credentials.split_url(options["target_url"])
    if parameters:
        options["target_url"] = url
        secrets["query"] = _merged(job, "query", parameters)
    metadata, hidden = credentials.split(job.metadata)
    if hidden:
        secrets["metadata"] = _merged(job, "metadata", hidden)
    return {"options": options, "metadata": metadata}, secrets


def _of_script(job: Job) -> tuple[dict[str, Any], dict[str, str]]:
    variables, taken = credentials.split(job.options.get("variables") or {})
    options = job.options | {"variables": variables}
    options = {name: value for name, value in options.items() if value != {}}
    return {"options": options}, {name: str(text) for name, text in taken.items()}


def _merged(job: Job, name: str, more: dict[str, Any]) -> str:
    """What is stored there goes first: it did so before."""
    try:
        stored = json.loads(job.secrets.get(name) or "{}")
    except ValueError:
        stored = {}
    known = stored if isinstance(stored, dict) else {}
    return json.dumps(credentials.joined(more, known))
