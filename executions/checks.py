"""Warns where jobs are to send e-mail, and nothing can send it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.db import DatabaseError

from jobs.models import Job
from scheduler_site.checks.deployment import mail_works, no_mail


@register(Tags.database)
def mail_for_jobs(databases: Sequence[str] | None = None, **_: Any) -> Iterable[CheckMessage]:
    """Jobs send e-mail on failure, but no mail server is configured."""
    if not settings.PRODUCTION or not databases or mail_works() or settings.ALERT_EMAILS:
        return []
    try:
        waiting = Job.objects.filter(enable_email_notifications=True).count()
    except DatabaseError:
        return []
    return [no_mail(f"{waiting} job(s) tell of their failures by e-mail")] if waiting else []
