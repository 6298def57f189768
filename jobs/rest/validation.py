"""From a JSON body to the checked changes of a job: reads it, validates it by the job form, chooses the error to return."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied

from accounts.models import User
from jobs.forms.errors import FieldError, OptionError
from jobs.forms.job import JobForm
from jobs.forms.schedule_keys import SCHEDULE_KEYS
from jobs.forms.targets import GITHUB_KEYS
from jobs.models import Job
from jobs.rest.payload import PayloadReader
from jobs.verbs import JobChanges
from scheduler_site.rest.views import ApiError

# The order in which errors are told (wire facts 5.1 and 5.2); what is not named comes after, and last a missing target.
_WHEN_AND_WHAT = (
    "name",
    "description",
    "expression",
    "schedule",
    "schedule_kind",
    *SCHEDULE_KEYS[1:],
    "kind",
    "options",
    "environment",
)
_MAIL = ("enable_email_notifications", "notification_emails", "notify_on_success")
_CREATE = (*_WHEN_AND_WHAT, "category", "metadata", *_MAIL, "end_date", "team")
_UPDATE = (*_WHEN_AND_WHAT, "metadata", "category", "end_date", "team", *_MAIL, "is_active")

NO_RIGHT = "Insufficient permissions"
_NAME_LABELS = {"unique": "Duplicate job name", "required": "Job name cannot be empty"}
OPTION_LABELS = {name: f"Invalid {key}" for key, name in GITHUB_KEYS.items()}
OPTION_LABELS["target_url"] = "Invalid target_url"
_LABELS = {
    "expression": "Invalid cron expression",
    "schedule_kind": "Invalid schedule",
    "team": "Invalid PIC team",
    "__all__": "Validation failed",
}


def changes_of(body: Mapping[str, Any], user: User, job: Job | None = None) -> JobChanges:
    """The checked values of a new job, or what a body changes of `job`.

    400 `{"error": label, "message"}` for the first error; 403 for jobs that run code, without the right to it.
    """
    if job is None:
        _require_fields(body)
    try:
        form, errors = examined(body, user, job)
    except PermissionDenied as refusal:
        raise ApiError(403, NO_RIGHT, str(refusal)) from refusal
    if errors:
        label, text = first_error(errors, _UPDATE if job else _CREATE)
        raise ApiError(400, label, text)
    return form.changes().differing(job) if job else form.changes()


def examined(
    body: Mapping[str, Any], user: User, job: Job | None = None
) -> tuple[JobForm, dict[str, FieldError]]:
    """The form of a body, and all its errors by field of the form. Raises PermissionDenied for code without the right to it."""
    reading = PayloadReader(body, user, job)
    form = _form(reading, user, job)
    return form, _form_errors(form) | reading.errors


def _require_fields(body: Mapping[str, Any]) -> None:
    scheduled = ("schedule", "schedule_kind", "every", "at")
    needed = ["name"]
    if all(body.get(key) is None for key in scheduled):
        needed.append("cron_expression")
    if settings.JOB_END_DATE_POLICY == "required":
        needed.append("end_date")
    if missing := [key for key in needed if body.get(key) is None]:
        text = f"Missing: {', '.join(missing)}."
        raise ApiError(400, "Missing required fields", text, missing_fields=missing)


def _form(reading: PayloadReader, user: User, job: Job | None) -> JobForm:
    # The form writes into its instance; the job itself is needed for comparison.
    initial = {} if job else {"category": reading.category.pk}
    form = JobForm(reading.data, user=user, instance=copy.copy(job), initial=initial)
    form.settle(reading.category, reading.team)
    return form


def _form_errors(form: JobForm) -> dict[str, FieldError]:
    return {
        field: FieldError(_label(field, errors[0]), " ".join(map(str, form.errors[field])))
        for field, errors in form.errors.as_data().items()
    }


def _label(field: str, error: forms.ValidationError) -> str:
    if field == "name":
        return _NAME_LABELS.get(error.code or "", "Invalid name")
    if field == "options":
        option = error.option if isinstance(error, OptionError) else ""
        return OPTION_LABELS.get(option, "Invalid options")
    return _LABELS.get(field, f"Invalid {field}")


def first_error(errors: Mapping[str, FieldError], order: tuple[str, ...]) -> FieldError:
    """The one to tell: fields in this order, then the others, and last a missing target."""
    ranks = {field: rank for rank, field in enumerate(order)}
    if "target" in errors:
        # That a URL is missing is told by the form as well, as an option of the kind that was taken for granted.
        ranks |= {"target": len(order) + 1, "options": len(order) + 2}
    return errors[min(errors, key=lambda field: ranks.get(field, len(order)))]
