"""The form field for the environment of a script: which environments may be chosen, by name or id."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from environments.models import LONGEST_NAME, Environment
from jobs.models import Job

State = Environment.State


def offered(user: User, job: Job | None = None) -> Any:
    """Those that `user` sees and that are to stay; what `job` has already it may keep."""
    found = Environment.objects.visible_to(user).exclude(state=State.DELETING)
    if job is not None and job.environment_id:
        found = found | Environment.objects.filter(uid=job.environment_id)
    return found


def named(text: str, user: User, job: Job | None = None) -> Environment | None:
    """The one of this id, else the one of this name."""
    found = offered(user, job)
    try:
        if by_id := found.filter(uid=uuid.UUID(text)).first():
            return by_id  # type: ignore[no-any-return]
    except ValueError:
        pass
    # Databases refuse to compare texts that are longer than a pattern may be.
    return found.filter(name=text).first() if len(text) <= LONGEST_NAME else None


class EnvironmentField(forms.ModelChoiceField[Environment]):
    """A choice by id. What is not ready may be chosen as well: it may be by the time of the next run."""

    default_error_messages = {"invalid_choice": _("There is no such environment. Choose another one.")}

    def __init__(self, **kwargs: Any) -> None:
        none = Environment.objects.none()
        super().__init__(none, to_field_name="uid", required=False, label=_("Environment"), **kwargs)

    def to_python(self, value: Any) -> Environment | None:
        if isinstance(value, str):
            try:
                value = uuid.UUID(value) if value else None
            except ValueError as error:
                raise forms.ValidationError(
                    self.error_messages["invalid_choice"], code="invalid_choice"
                ) from error
        return super().to_python(value)

    def label_from_instance(self, obj: Environment) -> str:
        python = f"Python {obj.python_version}" if obj.python_version else ""
        state = "" if obj.state == State.READY else str(obj.get_state_display())
        return " · ".join(part for part in (obj.name, python, state) if part)
