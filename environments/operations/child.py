"""The process that carries out one operation: `python -P -m environments.operations.child`, with the project in PYTHONPATH.

It reads one line of JSON from its standard input (backends.base.Request) and writes lines of JSON to its standard output:

    {"progress": "Downloading numpy"}            any number of them
    {"done": {...}}                              the last line of what succeeded, see actions.ACTIONS
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
from pathlib import Path
from typing import Any, NoReturn

from environments.backends import prefixes, validators
from environments.backends.base import Config, Failed, Invalid, Request
from environments.backends.registry import backend as backend_of
from environments.operations.actions import ACTIONS, OF_A_HOME, OF_A_PREFIX, Answer, Job
from environments.os_account import Account, become

LONGEST_REQUEST = 1024 * 1024
DONE, FAILED, INVALID = 0, 1, 2


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
    if request.action not in ACTIONS:
        raise Invalid(f"There is no action {validators.shown(request.action)}.")
    home, prefix = Path(request.home), Path(request.prefix)
    if request.action in OF_A_HOME:
        if not home.is_absolute() or ".." in home.parts or prefix != home / "prefix":
            raise Invalid("Only the directory 'prefix' in the environment's own directory is changed.")
    elif request.action in OF_A_PREFIX and not prefix.is_absolute():
        raise Invalid("The environment's directory is not absolute.")
    if request.action in ("install", "remove", "update") and not prefixes.interpreter(prefix).is_file():
        raise Invalid("There is no environment in this directory.")
    try:
        return Job(request, backend_of(request.backend, request.config), emit)
    except KeyError:
        raise Invalid(f"There is no backend {validators.shown(request.backend)}.") from None


def _as_asked(failure: Failed, specs: tuple[str, ...]) -> Answer:
    """The packages at fault as they were typed, not as they were read; what nobody asked for is in the text alone."""
    typed = {_key(text): text for text in specs}
    return {
        "text": validators.without_credentials(str(failure)),
        "packages": [typed[_key(text)] for text in failure.packages if _key(text) in typed],
        "details": [validators.without_credentials(detail) for detail in failure.details],
        "broken": failure.broken,
    }


def _key(text: str) -> str:
    try:
        return validators.spec(text, conda="[" not in text).key
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
        answer = ACTIONS[request.action](job)
    except Invalid as error:
        emit({"invalid": str(error)})
        return INVALID
    except Failed as failure:
        emit({"failed": _as_asked(failure, specs)})
        return FAILED
    except Exception as error:
        # Not foreseen, such as a full disk: what it left is for `mend`.
        emit({"failed": _as_asked(Failed(f"{type(error).__name__}: {error}", broken=True), ())})
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


def _change_account() -> None:
    """What is installed runs code of its own; it runs as jobs do. Their group may read the environment, Belfry among it."""
    whom = os.environ.pop("BELFRY_ACCOUNT", "")
    os.umask(0o027 if whom else 0o077)
    if whom:
        become(Account(*json.loads(whom)))


def main() -> NoReturn:
    emit = _own_output()
    _change_account()
    line = sys.stdin.buffer.readline(LONGEST_REQUEST + 1).decode(errors="replace")
    if os.environ.pop("BELFRY_LIFELINE", ""):
        threading.Thread(target=_end_with_caller, daemon=True).start()
    status = carry_out(line, emit)
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
