"""Runs Python code in an interpreter of its own."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

from .base import Job

TIMEOUT = 300  # seconds
DRAIN = 5  # seconds
MAX_OUTPUT = 200 * 1024  # characters kept of each stream; the log has all of it
OPTION = "--pythonexe"


class PythonJob(Job):
    """A script file, or code given as text."""

    notes = "This runs Python code, from a file or from text. --pythonexe <path> selects the interpreter."
    arguments = (
        {"type": "string", "description": "Mode: file or str"},
        {"type": "string", "description": "Path of the script, or the code itself"},
        {
            "type": "string",
            "description": "Arguments of the script; --pythonexe <path> selects the interpreter",
        },
    )
    example_arguments = ['["file", "/path/to/script.py", "arg1"]', '["str", "print(1 + 1)"]']

    def run(self, mode: str, source: str, *args: Any) -> dict[str, Any]:
        """{"command", "mode", "returncode", "stdout", "stderr", "dependencies"}; no start, or too long, raises."""
        rest, interpreter = split_interpreter([str(arg) for arg in args])
        if mode not in ("file", "str"):
            raise ValueError(f'mode is "file" or "str", not {mode!r}')
        code = _read(source) if mode == "file" else source
        path = str(Path(source).absolute()) if mode == "file" else _written(source)
        command = [interpreter, path, *rest]
        returncode, stdout, stderr = _execute(command)
        return {
            "command": command,
            "mode": mode,
            "returncode": returncode,
            "stdout": stdout,
            "stderr": stderr,
            "dependencies": dependencies(code),
        }


def split_interpreter(args: list[str]) -> tuple[list[str], str]:
    """The arguments without `--pythonexe <path>`, and the interpreter."""
    if OPTION not in args:
        return args, sys.executable
    place = args.index(OPTION)
    if place + 1 == len(args):
        raise ValueError(f"{OPTION} needs a path")
    return args[:place] + args[place + 2 :], args[place + 1]


def dependencies(code: str) -> dict[str, list[str]]:
    """The packages the code imports, and which of them this interpreter has; empty for code that does not parse."""
    names: set[str] = set()
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return {"imports": [], "missing_packages": [], "available_packages": []}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    available = {name for name in names if _is_installed(name)}
    return {
        "imports": sorted(names),
        "missing_packages": sorted(names - available),
        "available_packages": sorted(available),
    }


def _is_installed(name: str) -> bool:
    try:
        return name in sys.builtin_module_names or importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace")


def _written(code: str) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False, encoding="utf-8") as script:
        script.write(code)  # below the run's own directory, which is removed with it
    return script.name


def _execute(command: list[str]) -> tuple[int, str, str]:
    """Run it; what it prints is kept, up to a limit, and passed on to the log as it comes."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        streams = [(stream, list[str]()) for stream in (process.stdout, process.stderr) if stream]
        readers = [threading.Thread(target=_pass_on, args=stream, daemon=True) for stream in streams]
        for reader in readers:
            reader.start()
        try:
            returncode = process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        for reader in readers:
            reader.join(DRAIN)  # something the script left behind may hold the pipe; it is ended after us
    stdout, stderr = ("".join(kept) for _stream, kept in streams)
    return returncode, stdout, stderr


def _pass_on(stream: IO[bytes], kept: list[str]) -> None:
    """Line by line and past sys.stdout, so that the two streams do not mix within a line."""
    room = MAX_OUTPUT
    while line := stream.readline(65536):
        os.write(1, line)
        if room > 0:
            kept.append(line.decode(errors="replace")[:room])
            room -= len(kept[-1])
