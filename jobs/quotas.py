"""Limits on the number of jobs of an account or category and on the size of a job (settings; 0: no limit).

What was stored before a bound was set stays as it is and works; a change of it must keep to the bound.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db.models import Exists
from django.utils.translation import gettext as _

from accounts.models import Category, User
from jobs.models import Job
from jobs.models.scripts import SCRIPT_OPTION
from scheduler_site.lib.large_values import is_omitted


def size(value: Any) -> int:
    """Bytes as JSON in UTF-8. The text of a script has a bound of its own (SCRIPT_MAX_BYTES)."""
    if isinstance(value, dict):
        value = {name: item for name, item in value.items() if name != SCRIPT_OPTION}
    return len(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace"))


def too_large(field: str, value: Any) -> str:
    """Why this value of a job's field is refused, by name; nothing where it may be."""
    if field == "notification_emails":
        most, count = settings.JOB_RECIPIENTS, len(value)
        if most and count > most:
            text = _("There are %(count)d addresses; a job may have %(limit)d (JOB_RECIPIENTS).")
            return text % {"count": count, "limit": most}
        return ""
    if not (name := _BOUNDS.get(field)):
        return ""
    limit = getattr(settings, name)
    if limit and (found := size(value)) > limit:
        text = _("%(size)d bytes are too many; %(limit)d are allowed (%(name)s).")
        return text % {"size": found, "limit": limit, "name": name}
    return ""


_BOUNDS = {
    "metadata": "JOB_METADATA_MAX_BYTES",
    "options": "JOB_OPTIONS_MAX_BYTES",
    "secrets": "JOB_SECRETS_MAX_BYTES",
}
BOUNDED = (*_BOUNDS, "notification_emails")


def beyond(job: Job) -> dict[str, str]:
    """What of a stored job is larger than may be stored now, and why: it works on as it is."""
    found = {name: too_large(name, getattr(job, name)) for name in BOUNDED}
    return {name: text for name, text in found.items() if text}


def problems(values: Mapping[str, Any], job: Job | None) -> Iterator[tuple[str, str]]:
    """Of values that are about to be stored: the field and why it is refused. What a job has already, it may keep."""
    for name in BOUNDED:
        new = name in values and (job is None or values[name] != getattr(job, name))
        if new and is_omitted(values[name]):
            yield (
                name,
                _("A list of jobs leaves out what is large. Read the job itself before you change it."),
            )
        if new and (text := too_large(name, values[name])):
            yield name, text


def no_room(owner: User | None, category: Category | None, job: Job | None = None) -> str:
    """Why there can be no further job, or none more in this category; nothing where there is room."""
    if job is not None:
        owner = None
        if category is not None and job.category_id == category.pk:
            category = None
    account, section = _full(owner, category)
    if account:
        text = _("You have %(limit)d jobs, and an account may have no more (JOBS_PER_ACCOUNT).")
        return text % {"limit": settings.JOBS_PER_ACCOUNT}
    if section:
        text = _("The category %(name)s has %(limit)d jobs, and may have no more (JOBS_PER_CATEGORY).")
        return text % {"name": category, "limit": settings.JOBS_PER_CATEGORY}
    return ""


def _full(owner: User | None, category: Category | None) -> tuple[bool, bool]:
    """Whether this account and this category have all the jobs that they may have; None is not asked for.

    Two who come at the same moment may both be the last: it is a bound against excess, not an exact one.
    """
    asked = {}
    if owner is not None and settings.JOBS_PER_ACCOUNT:
        asked["account"] = _last(settings.JOBS_PER_ACCOUNT, owner=owner)
    if category is not None and settings.JOBS_PER_CATEGORY:
        asked["section"] = _last(settings.JOBS_PER_CATEGORY, category=category)
    if not asked:
        return False, False
    # A statement needs a row to ask from: that of the account itself.
    row = Category.objects.order_by().annotate(**asked).values(*asked)[:1].get()
    return bool(row.get("account")), bool(row.get("section"))


def _last(most: int, **of: Any) -> Exists:
    """Whether there is a last one that may be: no more rows are read than that."""
    return Exists(Job.objects.filter(**of).order_by()[most - 1 : most])
