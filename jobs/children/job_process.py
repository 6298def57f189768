"""The process of the job, from the fork to its end: it sets itself up, then executes the program or calls the class."""

# Plain os calls: pathlib would be one more thing in memory at each fork. Neither `with suppress` nor small helpers on the way
# to `run`: run_supervisor.py says why.
# ruff: noqa: SIM105

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
from json import encoder
from typing import Any, NoReturn, TextIO

from environments.os_account import Account
from environments.os_account import become as become_account

from .linux import die_with_parent
from .modules import loaded_libraries

MAX_RESULT = 1 << 20  # bytes of JSON
NICE = 10  # with 5, fifty jobs that compute on two cores keep an answer of the API waiting for seconds
# The numbers themselves, for the calls of C: the names of `signal` are members of enumerations, and to make and to compare them
# in a process that was just forked costs half a millisecond.
_DEFAULT, _SETMASK = int(signal.SIG_DFL), int(signal.SIG_SETMASK)
_SIGINT = int(signal.SIGINT)
_CHANGED_SIGNALS = tuple(
    map(int, (signal.SIGCHLD, signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP, signal.SIGINT))
)
# The interpreter ignores them, as it does in every Python program.
_IGNORED_SIGNALS = (int(signal.SIGPIPE), int(signal.SIGXFSZ))
_INFINITY = resource.RLIM_INFINITY
_NICE = b"%d" % NICE
_ENCODING = sys.getfilesystemencoding()
# What os.environ keeps as the environment, behind three layers of checks and names.
_VARIABLES: dict[bytes, bytes] | None = getattr(os.environ, "_data", None)
_encode: Any = getattr(encoder, "c_make_encoder", None) and encoder.c_make_encoder(  # type: ignore[attr-defined]
    {}, str, encoder.encode_basestring_ascii, None, ": ", ", ", False, False, False
)

# Of a server that has imported a class: the class by its path, and the two streams that its runs will print to.
_classes: dict[str, type[Any]] = {}
_streams: list[TextIO] = []


def call(request: dict[str, Any], supervisor: int, output: int, result: int) -> NoReturn:
    """Turn this freshly forked process into the run of a class; how it ends is written to `result`."""
    code = 127
    try:
        _settle(request, supervisor, output, result)
        _signal.signal(_SIGINT, signal.default_int_handler)
        sys.stdout, sys.stderr = _streams or (_stream(1), _stream(2))
        code = _run(request, result)
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            pass
        try:
            sys.stderr.flush()
        except (OSError, ValueError):
            pass
    except BaseException as problem:
        _tell(result, {"error": _describe(problem)[:4096], "stage": "import"})
    finally:
        os._exit(code)


def execute(request: dict[str, Any], supervisor: int, output: int, failure: int) -> NoReturn:
    """Turn this freshly forked process into a program. What prevents its start is written to `failure`."""
    try:
        _settle(request, supervisor, output, failure)
        for number in _IGNORED_SIGNALS:
            _signal.signal(number, _DEFAULT)
        argv = request["exec"]
        try:
            os.execvp(argv[0], argv)  # noqa: S606
        except OSError as problem:
            problem.filename = argv[0]
            raise
    except BaseException as problem:
        try:
            os.write(failure, _describe(problem).encode(errors="replace")[:4096])
        except OSError:
            pass
    finally:
        os._exit(127)


def _settle(request: dict[str, Any], supervisor: int, output: int, keep: int) -> None:
    os.setsid()
    # What the supervisor and the interpreter made of them is undone.
    _signal.set_wakeup_fd(-1)
    for number in _CHANGED_SIGNALS:
        _signal.signal(number, _DEFAULT)
    _signal.pthread_sigmask(_SETMASK, ())
    # Nothing to read, one pipe for both outputs, and no other descriptor left open.
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, keep)
    os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
    for number, value in request["limits"]:
        hard = resource.getrlimit(number)[1]
        value = value if hard == _INFINITY else min(value, hard)
        resource.setrlimit(number, (value, value))
    _stand_back()
    if request["account"]:
        become_account(Account(*request["account"]))
    die_with_parent(supervisor)
    _set_variables(request["env"])
    os.chdir(request["cwd"])


def _set_variables(variables: dict[str, str]) -> None:
    """As os.environ.update."""
    if _VARIABLES is None:
        os.environ.update(variables)
        return
    for name, value in variables.items():
        key, encoded = name.encode(_ENCODING, "surrogateescape"), value.encode(_ENCODING, "surrogateescape")
        os.putenv(key, encoded)
        _VARIABLES[key] = encoded


def _stand_back() -> None:
    """Short of processors or memory, the job is to wait or to go, and not the web, the beat or the worker."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, min(os.getpriority(os.PRIO_PROCESS, 0) + NICE, 19))
    except OSError:
        pass
    # Where the kernel shares by session, the priority counts only within one.
    for path, value in (("/proc/self/oom_score_adj", b"500"), ("/proc/self/autogroup", _NICE)):
        try:
            descriptor = os.open(path, os.O_WRONLY)
        except OSError:
            continue
        try:
            os.write(descriptor, value)
        except OSError:
            pass
        os.close(descriptor)


def prepare(path: str, job_class: type[Any]) -> None:
    """Makes what is the same for all runs of the class: in each of them it would cost as much as a short run."""
    _classes[path] = job_class
    reading, writing = os.pipe()
    for descriptor in (1, 2):
        # What they are told about their end of the pipe is that it is one.
        usual = os.dup(descriptor)
        os.dup2(writing, descriptor)
        _streams.append(_stream(descriptor))
        os.dup2(usual, descriptor)
        os.close(usual)
    os.close(reading)
    os.close(writing)


def _stream(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _run(request: dict[str, Any], result: int) -> int:
    """Run the class; its return value or its error goes to `result`, a traceback to the log."""
    # Where that was asked, what it has imported is told too.
    newest = next(reversed(sys.modules)) if request["learn"] else ""
    try:
        job = (_classes.get(request["call"]) or _load(request["call"]))()
    except BaseException as problem:
        return _fail(problem, result, "import", "")
    try:
        text = to_json(job.run(*request["args"]))
    except SystemExit as leaving:
        return _left(leaving.code)
    except BaseException as problem:
        return _fail(problem, result, "run", newest)
    if len(text) > MAX_RESULT:
        sys.stderr.write(
            f"The return value has {len(text)} bytes of JSON, more than {MAX_RESULT}: not kept.\n"
        )
    else:
        _tell(result, {"result": text} | _learned(newest))
    return 0


def _load(path: str) -> type[Any]:
    from jobs.classes.base import load

    return load(path)


def _learned(newest: str) -> dict[str, str]:
    """The libraries that have been imported after this module."""
    if not newest or newest == next(reversed(sys.modules)):
        return {}
    return {"loaded": loaded_libraries(newest)}


def _left(code: Any) -> int:
    """The exit code of sys.exit(code); a text goes to the log, as an interpreter would write it."""
    if code is None or isinstance(code, int):
        return code or 0
    with contextlib.suppress(Exception):
        sys.stderr.write(f"{code}\n")
    return 1


def _fail(problem: BaseException, result: int, stage: str, newest: str) -> int:
    problem.__traceback__ = problem.__traceback__.tb_next if problem.__traceback__ else None
    with contextlib.suppress(Exception):
        traceback.print_exception(problem)
    _tell(result, {"error": _describe(problem)[:4096], "stage": stage} | _learned(newest))
    return 1


def _tell(result: int, message: dict[str, str]) -> None:
    data = to_json(message).encode()
    while data:
        data = data[os.write(result, data) :]


def _describe(problem: BaseException) -> str:
    """`TypeError: what is wrong`, as a traceback ends."""
    with contextlib.suppress(Exception):
        return traceback.format_exception_only(problem)[-1].strip()
    return type(problem).__name__


def to_json(value: Any) -> str:
    """JSON for any value: what JSON does not know becomes text, what is not finite becomes null."""
    try:
        if _encode is not None:
            # As json.dumps(value, default=str, allow_nan=False) does it, after many more steps.
            return "".join(_encode(value, 0))
    except (TypeError, ValueError, RecursionError):
        pass
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
