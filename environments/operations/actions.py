"""The actions of the child process (child.py): changes, which are completed or undone, and queries.

Before a change all of the environment is kept aside (backends/backup.py). A process that dies in the middle leaves the copy for
`mend`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from environments import home_directory
from environments.backends import backup, describe, disk
from environments.backends.base import Backend, Failed, Invalid, Request

Answer = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A request, checked."""

    request: Request
    backend: Backend
    emit: Callable[[Answer], None]

    @property
    def prefix(self) -> Path:
        return Path(self.request.prefix)

    @property
    def home(self) -> Path:
        return Path(self.request.home)

    def progress(self, text: str) -> None:
        self.emit({"progress": text})


def _create(job: Job) -> Answer:
    if home_directory.read(job.home) is not None:
        raise Invalid("There is an environment in this directory.")
    job.backend.validate(job.request.specs)
    # Of an earlier try that was cut short.
    backup.tidy(job.home)
    disk.remove_tree(job.prefix)
    job.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        job.backend.create(job.prefix, job.request.python, job.request.specs, job.progress)
        description = _describe(job)
    except (Failed, Invalid) as problem:
        if not (isinstance(problem, Failed) and problem.broken):
            disk.remove_tree(job.prefix)
        raise
    return _found(job, description)


def _changed(change: Callable[[Job], Callable[..., None]]) -> Callable[[Job], Answer]:
    """A change that is completed, or undone.

    After a failure that leaves it `broken`, threads of a library may still be writing: `mend` undoes it, in another process.
    """

    def action(job: Job) -> Answer:
        job.backend.validate(job.request.specs)
        backup.put_back(job.home, job.prefix)
        try:
            backup.keep(job.home, job.prefix)
        except OSError as error:
            backup.tidy(job.home)
            raise Failed(f"The environment cannot be read, so nothing was changed: {error}") from error
        try:
            change(job)(job.prefix, job.request.specs, job.progress)
            description = _describe(job)
        except (Failed, Invalid) as problem:
            if not (isinstance(problem, Failed) and problem.broken):
                job.progress("Putting the environment back as it was")
                backup.put_back(job.home, job.prefix)
            raise
        # Measured without the copy, whose hard links would count as shared.
        backup.forget(job.home)
        return _found(job, description)

    return action


def _delete(job: Job) -> Answer:
    """The lock's file stays: it is the caller's, who holds it."""
    (job.home / "description.json").unlink(missing_ok=True)
    backup.forget(job.home)
    job.backend.delete(job.prefix, job.progress)
    return {}


def _mend(job: Job) -> Answer:
    """What a process that died left behind: a change is undone, something half-made is removed."""
    undone = backup.put_back(job.home, job.prefix)
    backup.tidy(job.home)
    if not undone and home_directory.read(job.home) is None:
        disk.remove_tree(job.prefix)
        return {"exists": False, "undone": False}
    return {**_described(job), "exists": True, "undone": undone}


def _described(job: Job) -> Answer:
    return _found(job, _describe(job))


def _describe(job: Job) -> home_directory.Description:
    """What scripts need to know of the environment, written beside it."""
    description = describe.describe(job.backend, job.prefix)
    home_directory.write(job.home, description)
    return description


def _found(job: Job, description: home_directory.Description) -> Answer:
    return {
        "python_version": description.python_version,
        "packages": [asdict(package) for package in job.backend.packages(job.prefix)],
        "disk": asdict(job.backend.disk_use(job.prefix)),
    }


# Name: what it answers with, and whether it touches the prefix that it is given.
ACTIONS: dict[str, Callable[[Job], Answer]] = {
    # {"python_version": "3.12.4", "packages": [{"name", "version", "source", "build"}], "disk": {"total", "shared"}}
    "create": _create,
    "install": _changed(lambda job: job.backend.install),
    "remove": _changed(lambda job: job.backend.remove),
    "update": _changed(lambda job: job.backend.update),
    # {}
    "delete": _delete,
    # {"exists": whether there is an environment, "undone": whether a change was}; where there is one, with the keys above
    "mend": _mend,
    # The keys of create; of an environment that lies elsewhere it writes the description too
    "describe": _described,
    # {"reason": ""}
    "available": lambda job: {"reason": job.backend.available()},
    # {"versions": ["3.12", ...]}
    "python_versions": lambda job: {"versions": job.backend.python_versions()},
    # {"specs": [...]}
    "validate": lambda job: {"specs": job.backend.validate(job.request.specs)},
    # {"packages": [...]}
    "packages": lambda job: {"packages": [asdict(one) for one in job.backend.packages(job.prefix)]},
    # {"total", "shared"}
    "disk_use": lambda job: asdict(job.backend.disk_use(job.prefix)),
    # {"variables": {...}}
    "run_environment": lambda job: {"variables": job.backend.run_environment(job.prefix)},
    # {"found": [{"name", "prefix", "python_version"}]}
    "discover": lambda job: {"found": [asdict(one) for one in job.backend.discover()]},
}
OF_A_HOME = {"create", "install", "remove", "update", "delete", "mend"}
OF_A_PREFIX = {"describe", "packages", "disk_use", "run_environment"}
