"""The process of the job, from the fork to its end: it sets itself up, then executes the program or calls the class."""

# Plain os calls: pathlib would be one more thing in memory at each fork.

from __future__ import annotations

# What `signal` wraps, without its enumerations.
import _signal  # type: ignore[import-not-found]
import contextlib
import json
import math
import os
import resource
import signal
import sys
import traceback
from typing import Any, NoReturn, TextIO

from environments.os_account import Account
from environments.os_account import become as become_account

from .linux import die_with_parent
from .modules import loaded_libraries

MAX_RESULT = 1 << 20  # bytes of JSON
NICE = 10  # with 5, fifty jobs that compute on two cores keep an answer of the API waiting for seconds
# The numbers themselves, for the calls of C: the names of `signal` are members of enumerations, and to make and to compare them
# in a process that was just forked costs half a millisecond.
_SIGPIPE, _SIGXFSZ, _SIGINT = int(signal.SIGPIPE), int(signal.SIGXFSZ), int(signal.SIGINT)
_DEFAULT, _IGNORE, _SETMASK = int(signal.SIG_DFL), int(signal.SIG_IGN), int(signal.SIG_SETMASK)
_CHANGED_SIGNALS = (
    int(signal.SIGCHLD),
    int(signal.SIGUSR1),
    int(signal.SIGTERM),
    _SIGINT,
    int(signal.SIGHUP),
    _SIGPIPE,
    _SIGXFSZ,
)
_LIMITS = {
    "open_files": resource.RLIMIT_NOFILE,
    "address_space": resource.RLIMIT_AS,
    "processes": resource.RLIMIT_NPROC,
    "file_size": resource.RLIMIT_FSIZE,
    "cpu": resource.RLIMIT_CPU,
}


def become(request: dict[str, Any], supervisor: int, output: int, result: int, failure: int) -> NoReturn:
    """Turn this freshly forked process into the job. What prevents its start is written to `failure`."""
    try:
        _settle(request, supervisor, output, keep={result, failure})
        if "exec" in request:
            _execute(request["exec"])
        os.close(failure)
        code = _call(request["call"], request["args"], result, learn=request["learn"])
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    except BaseException as problem:
        with contextlib.suppress(OSError):
            os.write(failure, _describe(problem).encode(errors="replace")[:4096])
    finally:
        os._exit(127)


def _execute(argv: list[str]) -> NoReturn:
    try:
        os.execvp(argv[0], argv)  # noqa: S606
    except OSError as problem:
        problem.filename = argv[0]
        raise


def _settle(request: dict[str, Any], supervisor: int, output: int, keep: set[int]) -> None:
    os.setsid()
    _reset_signals(for_python="call" in request)
    _wire_up(output, keep)
    _limit(request["limits"])
    _stand_back()
    if request["account"]:
        become_account(Account(*request["account"]))
    die_with_parent(supervisor)
    os.environ.pop("PYTHONPATH", None)  # the server's way to find this project, not the job's
    os.environ.update(request["env"])
    os.chdir(request["cwd"])


def _stand_back() -> None:
    """Short of processors or memory, the job is to wait or to go, and not the web, the beat or the worker."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, min(os.getpriority(os.PRIO_PROCESS, 0) + NICE, 19))
    # Where the kernel shares by session, the priority counts only within one.
    for path, value in (("/proc/self/oom_score_adj", b"500"), ("/proc/self/autogroup", b"%d" % NICE)):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_WRONLY)
            with contextlib.suppress(OSError):
                os.write(descriptor, value)
            os.close(descriptor)


def _reset_signals(*, for_python: bool) -> None:
    """Undo what the supervisor and the interpreter made of them; a Python class gets the interpreter's own again."""
    signal.set_wakeup_fd(-1)
    for number in _CHANGED_SIGNALS:
        _signal.signal(number, _DEFAULT)
    if for_python:
        _signal.signal(_SIGPIPE, _IGNORE)
        _signal.signal(_SIGXFSZ, _IGNORE)
        _signal.signal(_SIGINT, signal.default_int_handler)
    _signal.pthread_sigmask(_SETMASK, ())


def _wire_up(output: int, keep: set[int]) -> None:
    """Nothing to read, one pipe for both outputs, and no other descriptor left open."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    first = 3
    for descriptor in (*sorted(keep), os.sysconf("SC_OPEN_MAX")):
        os.closerange(first, descriptor)
        first = descriptor + 1
    sys.stdout, sys.stderr = _writer(1), _writer(2)


def _writer(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _limit(limits: dict[str, int | None]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, value in limits.items():
        if value is not None:
            _soft, hard = resource.getrlimit(_LIMITS[name])
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(_LIMITS[name], (value, value))


def _call(path: str, args: list[Any], result: int, *, learn: bool) -> int:
    """Run the class; its return value or its error goes to `result`, a traceback to the log.

    learn: what it has imported is told too.
    """
    newest = next(reversed(sys.modules))
    try:
        from jobs.classes.base import load

        job = load(path)()
    except BaseException as problem:
        return _fail(problem, result, stage="import")
    try:
        text = to_json(job.run(*args))
    except SystemExit as leaving:
        return _left(leaving.code)
    except BaseException as problem:
        return _fail(problem, result, stage="run", loaded=loaded_libraries(newest) if learn else "")
    if len(text) > MAX_RESULT:
        sys.stderr.write(
            f"The return value has {len(text)} bytes of JSON, more than {MAX_RESULT}: not kept.\n"
        )
    else:
        _tell(result, {"result": text} | ({"loaded": loaded_libraries(newest)} if learn else {}))
    return 0


def _left(code: Any) -> int:
    """The exit code of sys.exit(code); a text goes to the log, as an interpreter would write it."""
    if code is None or isinstance(code, int):
        return code or 0
    with contextlib.suppress(Exception):
        sys.stderr.write(f"{code}\n")
    return 1


def _fail(problem: BaseException, result: int, *, stage: str, loaded: str = "") -> int:
    problem.__traceback__ = problem.__traceback__.tb_next if problem.__traceback__ else None
    with contextlib.suppress(Exception):
        traceback.print_exception(problem)
    _tell(result, {"error": _describe(problem)[:4096], "stage": stage, "loaded": loaded})
    return 1


def _tell(result: int, message: dict[str, str]) -> None:
    data = json.dumps(message).encode()
    while data:
        data = data[os.write(result, data) :]


def _describe(problem: BaseException) -> str:
    """`TypeError: what is wrong`, as a traceback ends."""
    with contextlib.suppress(Exception):
        return traceback.format_exception_only(problem)[-1].strip()
    return type(problem).__name__


def to_json(value: Any) -> str:
    """JSON for any value: what JSON does not know becomes text, what is not finite becomes null."""
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        return json.dumps(value, default=str, allow_nan=False)
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        return json.dumps(_finite(value), default=str, allow_nan=False)
    return json.dumps(repr(value))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
