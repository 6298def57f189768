"""Python class jobs: a subclass of jobs.classes.base.Job in an allowed package, run in a child process."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NotRequired

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from jobs.children.values import Call
from jobs.classes.base import is_allowed, is_dotted_path, load
from scheduler_site.rest.schema_types import Rules

from .base import CodeRunner, Context, Outcome, StrictJSONField, UsuallyField
from .code import named_environment, run_child, run_environment
from .limits import LimitedForm, LimitOptions

MAX_ARGS = 100
MAX_ARGS_SIZE = 64 * 1024  # bytes of JSON
LONGEST_CLASS = 255
LONGEST_PATH = 4095  # PATH_MAX of Linux, without the NUL at its end


class PythonClassOptions(LimitOptions):
    """Of a Python class."""

    job_class: Annotated[
        str,
        "The dotted path of the class.",
        Rules(maxLength=LONGEST_CLASS, examples=["jobs.classes.sample.AwesomeJob"]),
    ]
    args: NotRequired[
        Annotated[
            list[Annotated[Any, "Any JSON value."]],
            "The arguments of its `run`.",
            Rules(maxItems=MAX_ARGS),
        ]
    ]
    fail_on_exit_code: NotRequired[
        Annotated[bool, "Whether an exit code other than 0 is a failure; yes where it is not said."]
    ]
    working_directory: NotRequired[
        Annotated[
            str,
            "Where it runs: an absolute path on the server; without one in a directory of its own, removed afterwards.",
            Rules(maxLength=LONGEST_PATH),
        ]
    ]


class ArgsField(StrictJSONField):
    """A list of JSON values."""

    def to_python(self, value: Any) -> list[Any]:  # type: ignore[override]
        args = super().to_python(value)
        if args is None:
            return []
        if not isinstance(args, list):
            raise ValidationError(_("Arguments are a list."))
        if len(args) > MAX_ARGS:
            raise ValidationError(_("There are more than %(limit)d arguments.") % {"limit": MAX_ARGS})
        try:
            size = len(json.dumps(args, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as problem:
            raise ValidationError(_("Arguments must be JSON values.")) from problem
        if size > MAX_ARGS_SIZE:
            raise ValidationError(
                _("The arguments are larger than %(limit)d bytes.") % {"limit": MAX_ARGS_SIZE}
            )
        return args


class PythonClassForm(LimitedForm):
    """job_class and args; the class must be there, for a typing error is better found now than at night."""

    described = PythonClassOptions
    kind = "python_class"

    job_class = forms.CharField(label=_("class"), max_length=LONGEST_CLASS)
    args = ArgsField(label=_("arguments"), required=False)
    fail_on_exit_code = UsuallyField(
        label=_("exit code"),
        yes=_("other than 0: failed"),
        no=_("other than 0: succeeded, with a warning"),
        help_text=_("Exit code of the program that the class starts, or of the class itself."),
    )

    working_directory = forms.CharField(
        label=_("working directory"),
        required=False,
        max_length=LONGEST_PATH,
        help_text=_(
            "An absolute path on the server. Without one it runs in a temporary directory of its own."
        ),
    )

    def clean_working_directory(self) -> str:
        path: str = self.cleaned_data["working_directory"]
        if path and not path.startswith("/"):
            raise ValidationError(_("Write an absolute path, such as /home/belfry."))
        return path

    def clean_job_class(self) -> str:
        path: str = self.cleaned_data["job_class"]
        if refusal := path_problem(path):
            raise ValidationError(refusal)
        try:
            load(resolved(path))
        except Exception as problem:  # an import runs the module, which may raise anything
            text = _("The class cannot be loaded: %(problem)s")
            raise ValidationError(text % {"problem": f"{type(problem).__name__}: {problem}"}) from problem
        return path


def resolved(path: str) -> str:
    """The class that an inherited name stands for; any other name stands for itself."""
    aliases: dict[str, str] = settings.JOB_CLASS_ALIASES
    return aliases.get(path, path)


def path_problem(path: str) -> str:
    """Why this dotted path may not be run, or nothing; asked at save and again before a run."""
    if not is_dotted_path(path):
        return str(_("A class is written package.module.Class."))
    if not is_allowed(resolved(path), settings.JOB_CLASS_PACKAGES):
        allowed = ", ".join(settings.JOB_CLASS_PACKAGES)
        return str(_("Classes must be in one of the allowed packages: %(packages)s.") % {"packages": allowed})
    return ""


def directory_problem(path: str) -> str:
    """Why nothing can run in this directory, or nothing; asked before each run, for directories come and go."""
    if not path:
        return ""
    if not Path(path).is_dir():
        return f"The working directory {path} does not exist on this server."
    if not os.access(path, os.X_OK):
        return f"The account of the workers may not enter the working directory {path}."
    return ""


class PythonClassRunner(CodeRunner):
    """Calls `run(*args)` of a job class."""

    kind = "python_class"
    label = _("Python class")
    about = _("Runs a Python class installed on this server.")
    secrets_help = _("No secret reaches a Python class.")
    options_form = PythonClassForm
    default_timeout = 3600.0

    def target(self, options: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
        return str(options.get("job_class", ""))

    def audience(self, options: Mapping[str, Any]) -> str:
        return str(options.get("job_class", ""))

    def run(self, context: Context[threading.Event]) -> Outcome:
        spec = context.spec
        path, args = self.target(spec.options, spec.metadata), spec.options.get("args") or []
        if problem := path_problem(path):
            return Outcome("error", problem, target=path, retryable=False)
        directory = str(spec.options.get("working_directory") or "")
        if problem := directory_problem(directory):
            return Outcome("error", problem, target=path)
        env = named_environment(os.environ, settings.JOB_CLASS_ENV) | run_environment(spec)
        outcome = run_child(Call(resolved(path), args, env=env, cwd=directory or None), context, target=path)
        return judged(outcome, fails=spec.options.get("fail_on_exit_code") is not False)


def judged(outcome: Outcome, *, fails: bool) -> Outcome:
    """The outcome by the exit code that counts: that of the program which a class has started and tells in `returncode`.

    fails: whether a code other than 0 is a failure; where it is none, the run is shown with a warning.
    """
    code = returned_code(outcome.result) if outcome.state == "success" else None
    if code is not None:
        outcome = replace(outcome, exit_code=code)
        if code and fails:
            return replace(outcome, state="failed", message=f"Exited with code {code}")
    return outcome


def returned_code(result: str | None) -> int | None:
    """`returncode` of a class's result, as a shell counts (128 + n for a death by signal n); None where it has none."""
    if not result or '"returncode"' not in result:
        return None
    try:
        code = json.loads(result)["returncode"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if isinstance(code, bool) or not isinstance(code, int):
        return None
    return 128 - code if code < 0 else code
