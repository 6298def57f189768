"""What every kind of job has in common: the values that go in and out, and the form of its options."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from scheduler_site.lib import strict_json

State = Literal["success", "failed", "timeout", "stopped", "error"]
Pool = Literal["io", "code"]
LONGEST_KEY = 100  # of what is said about it


@dataclass(frozen=True)
class Spec:
    """What a run is to do: a plain value, built from the job's snapshot and its secrets."""

    run_id: str  # uuid of the execution, stable over its attempts
    attempt: int
    job_id: str
    job_name: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    slot: datetime | None = None  # scheduled time, UTC; None for a manual run
    timeout: float = 3600.0  # seconds, from start to end
    stop_grace: float = 10.0  # seconds between asking to end and forcing it
    environment: str = ""  # of a script: the id of its environment, 32 hex digits


Stop = TypeVar("Stop", threading.Event, asyncio.Event)


@dataclass(frozen=True)
class Context(Generic[Stop]):
    """A run as its runner sees it; `log` may be called from any thread and does its own capping."""

    spec: Spec
    cancelled: Stop
    log: Callable[[str], None]
    # Of code: set while the run is to stand still.
    suspended: Stop | None = None


@dataclass(frozen=True)
class File:
    """A file that a run left: its path below the run's folder of artifacts, and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Outcome:
    """How a run ended. Memory is in bytes, `retry_after` in seconds; `error` means it could not be started."""

    state: State
    message: str = ""
    response_status: int | None = None
    exit_code: int | None = None
    result: str | None = None  # JSON text of a return value
    output: str = ""  # what was not streamed through log()
    target: str = ""
    peak_memory: int | None = None
    mean_memory: int | None = None
    cpu_seconds: float | None = None
    # [seconds since the start, bytes of memory, CPU seconds so far], at most a few hundred.
    points: tuple[tuple[float, int, float], ...] = ()
    artifacts: tuple[File, ...] = ()
    retryable: bool = True
    retry_after: float | None = None


class OptionsForm(forms.Form):
    """Validates the options of one kind; the same form serves pages (text) and APIs (JSON values)."""

    # What the API's document says of them, a TypedDict.
    described: ClassVar[Any]
    # None: what the settings allow. True: any address. False: no private address, whatever the settings say.
    allow_private: bool | None = None

    def options(self) -> dict[str, Any]:
        """The cleaned options without the empty ones, so that a stored job says only what was chosen."""
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "", [], {})}


class StrictJSONField(forms.JSONField):
    """A JSON value that can be stored anywhere (`strict_json.loads`); a key that is typed twice is named, not dropped."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(decoder=strict_json.Decoder, **kwargs)

    def to_python(self, value: Any) -> Any:
        repeated: list[str] = []
        if isinstance(value, str):
            with suppress(ValueError):  # which is told as with any text that is no JSON
                strict_json.loads(value, repeated)
        if repeated:
            text = _("“%(name)s” is given more than once.")
            raise ValidationError(text, params={"name": repeated[0][:LONGEST_KEY]}, code="repeated")
        return super().to_python(value)


class UsuallyField(forms.Field):
    """Yes unless somebody says no: true or false as JSON or as text, nothing given is kept as nothing and means yes."""

    def __init__(self, *, yes: str | Promise, no: str | Promise, **kwargs: Any) -> None:
        widget = forms.Select(choices=[("", yes), ("false", no)])
        super().__init__(required=False, widget=widget, **kwargs)

    def to_python(self, value: Any) -> bool | None:
        if value in self.empty_values:
            return None
        known = {"true": True, "false": False}
        text = str(value).lower()
        if text not in known:
            raise ValidationError(_("Write true or false."))
        return known[text]

    def prepare_value(self, value: Any) -> Any:
        return "false" if value in (False, "false") else ""


class Runner:
    """One kind of job."""

    kind: ClassVar[str]
    label: ClassVar[str | Promise]
    # A sentence for whoever chooses among the kinds, and what the form says of secrets that only this kind knows.
    about: ClassVar[str | Promise]
    secrets_help: ClassVar[str | Promise] = ""
    # The names of the secrets that it uses; None: all, whatever they are called.
    secret_names: ClassVar[frozenset[str] | None] = frozenset()
    pool: ClassVar[Pool]
    options_form: ClassVar[type[OptionsForm]]
    needs_code_right: ClassVar[bool] = False
    default_timeout: ClassVar[float]  # seconds
    # Seconds between TERM and KILL of a new job that names none.
    default_grace: ClassVar[int] = 10

    def target(self, options: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
        """One short line for lists: what this job calls or runs."""
        raise NotImplementedError

    def audience(self, options: Mapping[str, Any]) -> str:
        """Who gets to see what is sent along: the job's secrets belong to it (jobs/changes/secret_targets.py)."""
        raise NotImplementedError

    def clean_options(self, data: Any, *, allow_private: bool | None = None) -> dict[str, Any]:
        """The options as they are to be stored; raises ValidationError with a message per option."""
        if not isinstance(data, Mapping):
            raise ValidationError({"options": _("Options must be an object.")})
        form = self.options_form(dict(data))
        form.allow_private = allow_private
        unknown = [str(name) for name in data if name not in form.fields]
        if unknown:
            text = _("%(kind)s jobs have no option “%(name)s”.")
            raise ValidationError({name: text % {"kind": self.label, "name": name} for name in unknown})
        if not form.is_valid():
            raise ValidationError(form.errors.as_data())
        return form.options()


class IORunner(Runner):
    """Waits rather than computes: many runs share one event loop."""

    pool = "io"

    async def run(self, context: Context[asyncio.Event]) -> Outcome:
        """Do it, and say how it ended; never raises for what the job did wrong."""
        raise NotImplementedError


class CodeRunner(Runner):
    """Runs users' code in a child process, watched by the thread that calls `run`."""

    pool = "code"
    needs_code_right = True

    def run(self, context: Context[threading.Event]) -> Outcome:
        """Do it, and say how it ended; never raises for what the job did wrong."""
        raise NotImplementedError
