"""What one run of code may use: the lowest of what the installation, its kind and its job allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from jobs.children.values import Ceilings, Limits
from scheduler_site.rest.schema_types import Rules

from .base import OptionsForm

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

MIB = 1024 * 1024
MAX_MEMORY = 64 * 1024 * 1024  # MiB
MAX_CPU = 10**9  # seconds
# The option of a job, the setting of the installation, and the key of a kind's own bounds (JOB_LIMITS_<KIND>).
NAMES = {
    "memory_limit": ("JOB_MEMORY_MB", "memory_mb"),
    "cpu_limit": ("JOB_CPU_SECONDS", "cpu_seconds"),
    "process_limit": ("JOB_PROCESSES", "processes"),
    "open_files_limit": ("JOB_OPEN_FILES", "open_files"),
    "file_size_limit": ("JOB_FILE_SIZE_MB", "file_size_mb"),
}


def bounds(kind: str) -> dict[str, int]:
    """What a job of this kind may ask for at most, by option; what is not bounded is left out."""
    of_kind: Mapping[str, int] = settings.JOB_LIMITS_OF_KINDS.get(kind, {})
    found = {}
    for option, (setting, key) in NAMES.items():
        usual, own = getattr(settings, setting), of_kind.get(key, 0)
        if usual or own:
            found[option] = min(usual or own, own or usual)
    return found


def allowed(kind: str, options: Mapping[str, Any]) -> dict[str, int]:
    """What a run with these options may use, by option."""
    most = bounds(kind)
    own = {option: value for option in NAMES if isinstance(value := options.get(option), int) and value > 0}
    return most | {option: min(value, most.get(option, value)) for option, value in own.items()}


def ceilings(most: Mapping[str, int]) -> Ceilings:
    """Of all processes of the run together; `most` is what it may use, as `allowed` tells it."""
    memory, cpu = most.get("memory_limit"), most.get("cpu_limit")
    return Ceilings(
        memory=memory * MIB if memory else None,
        cpu=float(cpu) if cpu else None,
        processes=most.get("process_limit"),
    )


def limits(most: Mapping[str, int]) -> Limits:
    """Of each process."""
    size = most.get("file_size_limit")
    return Limits(open_files=most.get("open_files_limit"), file_size=size * MIB if size else None)


class LimitOptions(TypedDict):
    """What a run may use, within what the installation allows."""

    memory_limit: NotRequired[
        Annotated[int, "MiB of memory for all its processes.", Rules(minimum=1, maximum=MAX_MEMORY)]
    ]
    cpu_limit: NotRequired[
        Annotated[int, "Seconds of CPU time for all its processes.", Rules(minimum=1, maximum=MAX_CPU)]
    ]
    process_limit: NotRequired[
        Annotated[int, "How many processes it may have at once.", Rules(minimum=1, maximum=100_000)]
    ]
    open_files_limit: NotRequired[
        Annotated[int, "Files that each process may have open.", Rules(minimum=16, maximum=2**20)]
    ]
    file_size_limit: NotRequired[
        Annotated[int, "MiB of each file that it writes.", Rules(minimum=1, maximum=2**24)]
    ]


def _limit(
    label: str | _StrPromise, most: int, help_text: str | _StrPromise, *, least: int = 1
) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, required=False, min_value=least, max_value=most, help_text=help_text
    )


class LimitedForm(OptionsForm):
    """The options of a kind that runs code; `kind` names whose bounds hold."""

    kind: str

    memory_limit = _limit(_("Memory limit (MiB)"), MAX_MEMORY, _("For all processes of the run together."))
    cpu_limit = _limit(_("CPU limit (s)"), MAX_CPU, _("For all processes of the run together."))
    process_limit = _limit(_("Process limit"), 100_000, _("How many the run may have at once."))
    open_files_limit = _limit(_("Open files limit"), 2**20, _("For each process."), least=16)
    file_size_limit = _limit(_("File size limit (MiB)"), 2**24, _("For each file that a process writes."))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for option, most in bounds(self.kind).items():
            if (value := cleaned.get(option)) and value > most:
                text = _("The installation allows %(limit)d at most.")
                self.add_error(option, ValidationError(text % {"limit": most}))
        return cleaned
