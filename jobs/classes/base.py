"""The base of all job classes."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import Any, ClassVar

from . import fresh_imports

# Here, since every process that imports classes imports this first.
fresh_imports.install()

_SEGMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Job:
    """Subclass this in an allowed package and write `run`; what it returns is kept as the run's result (JSON).

    What it prints is the run's log; an exception makes the run fail.
    """

    notes: ClassVar[str] = ""
    arguments: ClassVar[Sequence[dict[str, str]]] = ()  # each {"type", "description"}, in the order of run's
    example_arguments: ClassVar[str | list[str]] = ""

    def run(self, *args: Any) -> Any:
        """Do the work; the arguments are the job's, JSON values in order."""
        raise NotImplementedError

    @classmethod
    def available(cls) -> bool:
        """Whether what the class needs (a library, a setting) is here; pickers hide it otherwise."""
        return True

    @classmethod
    def meta_info(cls) -> dict[str, Any]:
        """What a picker shows: {"job_class_string", "notes", "arguments", "example_arguments"}."""
        return {
            "job_class_string": f"{cls.__module__}.{cls.__qualname__}",
            "notes": cls.notes,
            "arguments": [dict(argument) for argument in cls.arguments],
            "example_arguments": cls.example_arguments,
        }


def is_dotted_path(path: str) -> bool:
    """Whether this reads `package.module.Class`: ASCII identifiers, none of them private or magic to Python."""
    segments = path.split(".")
    return len(path) <= 255 and len(segments) >= 2 and all(map(_SEGMENT.fullmatch, segments))


def is_allowed(path: str, packages: Sequence[str]) -> bool:
    """Whether the path lies inside one of the packages."""
    return any(path.startswith(f"{package}.") for package in packages if package)


def load(path: str) -> type[Job]:
    """Import a job class. Raises ImportError, TypeError, or whatever the module itself raises."""
    module, _, name = path.rpartition(".")
    found = getattr(importlib.import_module(module), name, None)
    if found is None:
        raise ImportError(f"{module} has no class {name}")
    if not isinstance(found, type) or not issubclass(found, Job) or found is Job:
        raise TypeError(f"{path} is no subclass of jobs.classes.base.Job")
    return found
