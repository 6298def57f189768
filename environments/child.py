"""The process that carries out one operation: `python -P -m environments.child`, with the project in PYTHONPATH.

It reads one line of JSON from its standard input (backends.base.Request) and writes lines of JSON to its standard output:

    {"progress": "Downloading numpy"}            any number of them
    {"done": {...}}                              the last line of what succeeded, see `_ACTIONS`
    {"failed": {"text", "packages", "details", "broken"}}     or of what failed; `packages` as they were asked for
    {"invalid": "..."}                           or of what was not even tried: nothing was changed

Exit status: 0 done, 1 failed, 2 invalid. Other programs' output goes to standard error.

It imports no Django, gets no settings but the request's, and ends by os._exit: the library for Conda crashes now and then
when the interpreter takes itself down. The caller holds the environment's lock, passes its descriptor on to this process, and
ends it by signals to its group (start_new_session): SIGTERM ends it at any moment. What such an end, a power cut or `broken`
leaves behind, the action `mend` puts right.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from environments import homes
from environments.backends import describe, disk, grammar, prefixes, saved
from environments.backends.base import Backend, Config, Failed, Invalid, Request
from environments.backends.registry import backend as backend_of

LONGEST_REQUEST = 1024 * 1024
DONE, FAILED, INVALID = 0, 1, 2

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


# Actions ---------------------------------------------------------------------------------------------------------------


def _create(job: Job) -> Answer:
    if homes.read(job.home) is not None:
        raise Invalid("There is an environment in this directory.")
    job.backend.validate(job.request.specs)
    # Of an earlier try that was cut short.
    saved.tidy(job.home)
    disk.remove_tree(job.prefix)
    job.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        job.backend.create(job.prefix, job.request.python, job.request.specs, job.progress)
        description = _describe(job)
    except BaseException:
        disk.remove_tree(job.prefix)
        raise
    return _found(job, description)


def _changed(change: Callable[[Job], None]) -> Callable[[Job], Answer]:
    """A change that is completed, or undone."""

    def action(job: Job) -> Answer:
        job.backend.validate(job.request.specs)
        saved.put_back(job.home, job.prefix)
        try:
            saved.keep(job.home, job.prefix)
        except OSError as error:
            saved.tidy(job.home)
            raise Failed(f"The environment cannot be read, so nothing was changed: {error}") from error
        try:
            change(job)
            description = _describe(job)
        except Failed as failure:
            _undo(job, failure)
            raise
        except Invalid:
            saved.put_back(job.home, job.prefix)
            raise
        # Measured without the copy, whose hard links would count as shared.
        saved.forget(job.home)
        return _found(job, description)

    return action


def _undo(job: Job, failure: Failed) -> None:
    """Where it is broken, threads of a library may still be writing: `mend` puts it right, in another process."""
    if failure.broken:
        return
    job.progress("Putting the environment back as it was")
    try:
        saved.put_back(job.home, job.prefix)
    except OSError as error:
        raise Failed(
            f"{failure}\nThe environment could not be put back: {error}",
            packages=failure.packages,
            details=failure.details,
            broken=True,
        ) from error


def _install(job: Job) -> None:
    job.backend.install(job.prefix, job.request.specs, job.progress)


def _remove(job: Job) -> None:
    job.backend.remove(job.prefix, job.request.specs, job.progress)


def _update(job: Job) -> None:
    job.backend.update(job.prefix, job.request.specs, job.progress)


def _delete(job: Job) -> Answer:
    """The lock's file stays: it is the caller's, who holds it."""
    (job.home / "description.json").unlink(missing_ok=True)
    saved.forget(job.home)
    job.backend.delete(job.prefix, job.progress)
    return {}


def _mend(job: Job) -> Answer:
    """What a process that died left behind: a change is undone, something half-made is removed."""
    undone = saved.put_back(job.home, job.prefix)
    saved.tidy(job.home)
    if not undone and homes.read(job.home) is None:
        disk.remove_tree(job.prefix)
        return {"exists": False, "undone": False}
    return {**_described(job), "exists": True, "undone": undone}


def _described(job: Job) -> Answer:
    return _found(job, _describe(job))


def _describe(job: Job) -> homes.Description:
    """What scripts need to know of the environment, written beside it."""
    description = describe.describe(job.backend, job.prefix)
    homes.write(job.home, description)
    return description


def _found(job: Job, description: homes.Description) -> Answer:
    return {
        "python_version": description.python_version,
        "packages": [asdict(package) for package in job.backend.packages(job.prefix)],
        "disk": asdict(job.backend.disk_use(job.prefix)),
    }


# Name: what it answers with, and whether it touches the prefix that it is given.
_ACTIONS: dict[str, Callable[[Job], Answer]] = {
    # {"python_version": "3.12.4", "packages": [{"name", "version", "source", "build"}], "disk": {"total", "shared"}}
    "create": _create,
    "install": _changed(_install),
    "remove": _changed(_remove),
    "update": _changed(_update),
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
_OF_A_HOME = {"create", "install", "remove", "update", "delete", "mend"}
_OF_A_PREFIX = {"describe", "packages", "disk_use", "run_environment"}


# The request -----------------------------------------------------------------------------------------------------------


def read_request(line: str) -> Request:
    """Raises Invalid for whatever is no request."""
    if len(line) > LONGEST_REQUEST:
        raise Invalid("The request is too long.")
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise Invalid("The request is no JSON.") from None
    if not isinstance(data, dict) or not isinstance(data.get("config"), dict):
        raise Invalid("The request is no object with a config.")
    try:
        config = Config(**_tuples(data.pop("config")))
        request = Request(config=config, **_tuples(data))
    except TypeError as error:
        raise Invalid(f"The request has other fields than it should: {error}.") from None
    _check_types(config)
    _check_types(request)
    return request


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _check_types(fields: Config | Request) -> None:
    """Each value is of the type of its field: a text, a number, or a tuple of texts."""
    for name, value in vars(fields).items():
        kind = type(fields).__annotations__[name]
        right = {
            "str": isinstance(value, str),
            "float": isinstance(value, (int, float)) and not isinstance(value, bool),
            "Config": isinstance(value, Config),
        }.get(kind, isinstance(value, tuple) and all(isinstance(one, str) for one in value))
        if not right:
            raise Invalid(f"The request's {name} is not of the right type.")
        if isinstance(value, str) and "\0" in value:
            raise Invalid(f"The request's {name} has a NUL character.")


def _checked(request: Request, emit: Callable[[Answer], None]) -> Job:
    """An environment that is changed lies in its home, and nowhere else."""
    if request.action not in _ACTIONS:
        raise Invalid(f"There is no action {grammar.shown(request.action)}.")
    home, prefix = Path(request.home), Path(request.prefix)
    if request.action in _OF_A_HOME:
        if not home.is_absolute() or ".." in home.parts or prefix != home / "prefix":
            raise Invalid("Only the directory 'prefix' in the environment's own directory is changed.")
    elif request.action in _OF_A_PREFIX and not prefix.is_absolute():
        raise Invalid("The environment's directory is not absolute.")
    if request.action in ("install", "remove", "update") and not prefixes.interpreter(prefix).is_file():
        raise Invalid("There is no environment in this directory.")
    try:
        return Job(request, backend_of(request.backend, request.config), emit)
    except KeyError:
        raise Invalid(f"There is no backend {grammar.shown(request.backend)}.") from None


def _as_asked(failure: Failed, specs: tuple[str, ...]) -> Answer:
    """The packages at fault as they were typed, not as they were read; what nobody asked for is in the text alone."""
    typed = {_key(text): text for text in specs}
    return {
        "text": grammar.without_credentials(str(failure)),
        "packages": [typed[_key(text)] for text in failure.packages if _key(text) in typed],
        "details": [grammar.without_credentials(detail) for detail in failure.details],
        "broken": failure.broken,
    }


def _key(text: str) -> str:
    try:
        return grammar.spec(text, conda="[" not in text).key
    except Invalid:
        return text


# The process -----------------------------------------------------------------------------------------------------------


def carry_out(line: str, emit: Callable[[Answer], None]) -> int:
    """The exit status, after the last line has been written."""
    specs: tuple[str, ...] = ()
    try:
        request = read_request(line)
        specs = request.specs
        job = _checked(request, emit)
        answer = _ACTIONS[request.action](job)
    except Invalid as error:
        emit({"invalid": str(error)})
        return INVALID
    except Failed as failure:
        emit({"failed": _as_asked(failure, specs)})
        return FAILED
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        emit(
            {
                "failed": {
                    "text": grammar.without_credentials(text),
                    "packages": [],
                    "details": [],
                    "broken": True,
                }
            }
        )
        return FAILED
    emit({"done": answer})
    return DONE


def _own_output() -> Callable[[Answer], None]:
    """A writer of lines to standard output; what others write there goes to standard error from now on."""
    descriptor = os.dup(1)
    os.set_inheritable(descriptor, False)
    os.dup2(2, 1)
    lock = threading.Lock()

    def emit(answer: Answer) -> None:
        line = json.dumps(answer).encode() + b"\n"
        try:
            with lock:
                while line:
                    line = line[os.write(descriptor, line) :]
        except OSError:
            # Nobody listens any more: whoever takes over finds the environment as it is now, and mends it.
            os._exit(FAILED)

    return emit


def _end_with_caller() -> None:
    """The caller keeps our standard input open. When it ends, the caller was killed: nobody else would end this session."""
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


def main() -> NoReturn:
    emit = _own_output()
    os.umask(0o077)
    line = sys.stdin.buffer.readline(LONGEST_REQUEST + 1).decode(errors="replace")
    if os.environ.pop("BELFRY_LIFELINE", ""):
        threading.Thread(target=_end_with_caller, daemon=True).start()
    status = carry_out(line, emit)
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
