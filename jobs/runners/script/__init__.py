"""Script jobs: Python in an environment of its own, by the environment's own interpreter."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from environments.config import AccountUnusable
from environments.home_directory import Description
from jobs.children.deadline import Deadline
from jobs.children.values import Exec

from ..base import CodeRunner, Context, Outcome
from ..code import run_child, run_environment
from . import artifacts, variables
from .environment_lock import Absent, NotInTime, held
from .forms import ScriptForm
from .output import Output
from .paths import PathRefused, allowed
from .requirements import RequirementRefused, installed, parse, unmet

NAME = "script.py"
LONGEST_TARGET = 500


class Unstartable(Exception):
    """Why the run cannot be started; another attempt would not help."""


class ScriptRunner(CodeRunner):
    """Runs a text, or a file below SCRIPT_DIRECTORIES, in an environment."""

    kind = "script"
    label = _("Python script")
    about = _("Runs a Python script in an environment.")
    secret_names = None
    secrets_help = _("Each is an environment variable of its name.")
    options_form = ScriptForm
    default_timeout = 3600.0
    # A script that hangs ends five seconds after it is cancelled.
    default_grace = 3

    def target(self, options: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
        """The command, as a shell would have it."""
        words = [options.get("path") or NAME, *(options.get("arguments") or [])]
        return shlex.join(map(str, words))[:LONGEST_TARGET]

    def audience(self, options: Mapping[str, Any]) -> str:
        return str(options.get("path") or "")

    def run(self, context: Context[threading.Event]) -> Outcome:
        spec, output = context.spec, Output(context.log)
        clock = Deadline(spec.timeout)
        try:
            environment = held(
                spec.environment,
                clock,
                cancelled=context.cancelled,
                suspended=context.suspended,
                note=output.note,
            )
            with environment as (description, lock):
                outcome = self._run_in(description, lock.fileno(), clock, context, output)
        except (Absent, Unstartable, PathRefused, RequirementRefused) as problem:
            outcome = Outcome("error", str(problem), retryable=False)
        except NotInTime as late:
            outcome = _waited_in_vain(spec.timeout, stopped=late.stopped)
        return replace(outcome, target=self.target(spec.options, spec.metadata))

    def _run_in(
        self,
        description: Description,
        lock: int,
        clock: Deadline,
        context: Context[threading.Event],
        output: Output,
    ) -> Outcome:
        spec = context.spec
        _check_requirements(spec.options.get("requirements") or "", description)
        if unusable := variables.unusable(spec.secrets):
            raise Unstartable(f"These secrets cannot be environment variables: {', '.join(unusable)}")
        request = _request(description, spec.options)
        try:
            place = artifacts.place_of(spec)
            artifacts.prepare(place)
        except AccountUnusable as problem:
            return Outcome("error", str(problem))
        except OSError as problem:
            return Outcome("error", f"The folder for artifacts cannot be made: {problem}")
        told = run_environment(spec) | {"BELFRY_ARTIFACTS": str(place.left)}
        chosen = spec.options.get("variables") or {}
        request = replace(request, env=variables.of_script(description, chosen, spec.secrets, told))
        outcome = run_child(
            request,
            replace(context, log=output),
            timeout=clock.left,
            held=lock,
            pulse=output.tick,
        )
        output.finish()
        return replace(outcome, artifacts=artifacts.collect(place, output.note))


def _request(description: Description, options: Mapping[str, Any]) -> Exec:
    """What is executed, all but its variables. Raises PathRefused or Unstartable."""
    path, text = options.get("path"), options.get("script")
    if not path and not isinstance(text, str):
        raise Unstartable("The text of the script is not on record any more.")
    program = str(allowed(path)) if path else NAME
    return Exec(
        [description.python, program, *(options.get("arguments") or [])],
        files={} if path else {NAME: str(text)},
    )


def _check_requirements(text: str, description: Description) -> None:
    wanted = parse(text) if text else []
    if wanted and (problems := unmet(wanted, installed(description))):
        raise Unstartable(
            f"The environment does not meet the requirements: {', '.join(problems)}. Install them in the environment."
        )


def _waited_in_vain(timeout: float, *, stopped: bool) -> Outcome:
    if stopped:
        return Outcome("stopped", "Stopped while it waited for its environment, which was being changed")
    return Outcome(
        "timeout", f"Not started within {timeout:g} s: its environment was being changed all the time"
    )


__all__ = ["ScriptForm", "ScriptRunner"]
