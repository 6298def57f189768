"""How a kind of job runs: one registry, one contract (base.py), one module per kind."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .base import CodeRunner, Context, IORunner, OptionsForm, Outcome, Runner, Spec
from .github_actions import GitHubActionsRunner
from .python_class import PythonClassRunner
from .script import ScriptRunner
from .webhook import WebhookRunner

RUNNERS: dict[str, IORunner | CodeRunner] = {
    runner.kind: runner
    for runner in (WebhookRunner(), GitHubActionsRunner(), PythonClassRunner(), ScriptRunner())
}
if TYPE_CHECKING:
    Options = dict[str, Any]
else:
    # What the options of a job may be, for the API's document.
    Options = Annotated[
        reduce(or_, (runner.options_form.described for runner in RUNNERS.values())),
        "What the kind of job needs.",
    ]


def clean_options(kind: str, data: Any, *, allow_private: bool | None = None) -> dict[str, Any]:
    """Validate the options of a job of this kind; raises ValidationError with a message per option.

    allow_private decides about inner addresses: None as WEBHOOK_ALLOWED_HOSTS says, True always, False never.
    """
    runner = RUNNERS.get(kind)
    if runner is None:
        raise ValidationError({"kind": _("There is no kind of job named “%(kind)s”.") % {"kind": kind}})
    return runner.clean_options(data, allow_private=allow_private)


__all__ = [
    "RUNNERS",
    "CodeRunner",
    "Context",
    "IORunner",
    "Options",
    "OptionsForm",
    "Outcome",
    "Runner",
    "Spec",
    "clean_options",
]
