"""The name of the job for a line of a crontab, and notes on what will differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from compat.importers.crontab_lines import ACCOUNTS, COMMANDS, SHELL, Line, split_input

LONGEST_NAME = 100
# Words of a shell: as they stand, with their quotes; operators; redirections with where they lead.
_TOKEN = re.compile(
    r"""\s*(?:(?P<away>\d*(?:&>>?|>>|>\||[<>])(?:&[-\d]+|\s*(?:'[^']*'|"[^"]*"|[^\s;&|<>]+)))"""
    r"""|(?P<end>&&|\|\||[;|&])"""
    r"""|(?P<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\$\([^()]*\)|`[^`]*`|\\.|[^\s;&|<>])+)|.)"""
)
# Commands that only prepare what the line is about, and those that run another one, with how many operands of their own.
PREPARING = frozenset([
    "cd", "[", "[[", "test", "export", "sleep", "source", ".", "set", "ulimit", "umask", ":", "true", "type", "which",
    "hash",
])  # fmt: skip
WRAPPERS = {
    "env": 0, "nohup": 0, "exec": 0, "chronic": 0, "nice": 0, "ionice": 0, "command": 0, "setsid": 0, "time": 0,
    "timeout": 1, "flock": 1,
}  # fmt: skip
# Words of a shell around commands.
KEYWORDS = frozenset(["if", "then", "elif", "else", "fi", "while", "until", "do", "done", "!"])
GROUPING = frozenset("(){}")
# A pause that is written in another language, as Debian's crontabs do it, and a look whether a program is there.
_WAITING = re.compile(r"\S+ -[a-z]*[ec] .*\bsleep\b.*|command -[vV] .*")
_OPTION = re.compile(r"-.*|\d+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*")
# Variables that steer cronie, anacron and systemd-cron.
STEERING = {
    "RANDOM_DELAY": "it starts at its time",
    "DELAY": "it starts at its time",
    "START_HOURS_RANGE": "it starts at its time",
    "PERSISTENT": "what becomes of a missed time is a setting of the job",
    "BATCH": "it runs with the usual priority",
    "MAILFROM": "the sender is that of this installation",
}
# What goes elsewhere first.
_ELSEWHERE = re.compile(r"\s*cd\s+[\"']?/[^;&|]*(?:&&|;)")
# What depends on where the line runs, or on whose home that is.
_FROM_HOME = re.compile(r"(?:^|[\s;&|(=<>\"'])(?:\.{1,2}/|~|\w[\w.-]*/)|\$\{?HOME\b|>\s*\w|\bcd\s*(?:;|&|$)")


def name_of(line: Line) -> str:
    """The program and its arguments, without what prepares it and where its output goes."""
    command = split_input(line.command)[0]
    segments = [words for words in map(_unwrapped, _segments(command)) if words]
    best = next((words for words in segments if not _prepares(words)), segments[0] if segments else [])
    text = " ".join([best[0].rsplit("/", 1)[-1] or best[0], *best[1:]]) if best else command
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    text = " ".join(text.split()) or f"line {line.number}"
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def _prepares(words: list[str]) -> bool:
    return words[0] in PREPARING or bool(_WAITING.fullmatch(" ".join(words)))


def _segments(command: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for token in _TOKEN.finditer(command):
        if token["end"]:
            found.append([])
        elif word := token["word"]:
            if word.startswith("#"):
                break
            if word not in GROUPING and (found[-1] or word not in KEYWORDS):
                found[-1].append(word)
    return found


def _unwrapped(words: list[str]) -> list[str]:
    while words:
        program = words[0].rsplit("/", 1)[-1]
        if _VARIABLE.fullmatch(words[0]):
            words = words[1:]
        elif words[:2] in (["command", "-v"], ["command", "-V"]):
            break
        elif program in WRAPPERS and len(words) > 1 + WRAPPERS[program]:
            rest = words[1:]
            while (
                len(rest) > 1 + WRAPPERS[program] and _OPTION.fullmatch(rest[0]) and rest[0].startswith("-")
            ):
                # Options such as `-n 10` have a number after them.
                rest = rest[2:] if rest[1].isdecimal() and len(rest[0]) == 2 and len(rest) > 2 else rest[1:]
            words = rest[WRAPPERS[program] :]
        else:
            break
    return words


def home_of(line: Line) -> str:
    """Where cron ran it, as far as the crontab says."""
    home = line.environment.get("HOME", "")
    return home if home.startswith("/") else ""


def addresses(text: str) -> list[str]:
    """Those that are addresses of e-mail; names of accounts on the machine are not."""
    return [one for one in _receivers(text) if _is_address(one)]


def _receivers(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def notes(line: Line) -> Iterator[str]:
    """What is different here, for the report."""
    if line.user:
        yield f"It ran as {line.user}; here it runs as the account of the workers."
    elif line.command.split()[0] in ACCOUNTS - COMMANDS:
        yield f"Its command begins with {line.command.split()[0]}: an account, in a column of users?"
    if "CRON_TZ" in line.environment:
        yield "CRON_TZ is followed here; Debian's cron pays no heed to it."
    yield from _mail(line)
    yield from _place(line)
    if split_input(line.command)[1] is not None:
        yield "%: what follows it is what the command reads, as with cron."
    if line.quiet:
        yield "-: it kept cronie from logging the line; here every run is recorded."
    if line.text.endswith("\\"):
        yield "It ends in \\: cron joins no lines, the next one stands for itself."
    for name in STEERING.keys() & line.environment.keys():
        yield f"{name} is not followed: {STEERING[name]}."
    if "TZ" in line.environment and "CRON_TZ" not in line.environment:
        yield "TZ is a variable of its command, as with Debian's cron; systemd-cron took it for its zone: that is CRON_TZ."


def _mail(line: Line) -> Iterator[str]:
    receivers = _receivers(line.environment.get("MAILTO", ""))
    if mailed := [one for one in receivers if _is_address(one)]:
        yield f"Failures are mailed to {', '.join(mailed)}; cron mailed every output."
    if others := [one for one in receivers if not _is_address(one)]:
        yield f"Nothing is mailed to {', '.join(others)}: not an e-mail address."


def _place(line: Line) -> Iterator[str]:
    if not Path(shell := line.environment.get("SHELL", SHELL)).exists():
        yield f"Its shell, {shell}, does not exist on this machine: it must where workers run."
    home, command = home_of(line), split_input(line.command)[0]
    if home:
        if not Path(home).is_dir():
            yield f"Its working directory, {home}, does not exist on this machine: it must where workers run."
    elif line.environment.get("HOME"):
        yield f"HOME={line.environment['HOME']} is no absolute path: it runs in a temporary directory."
    elif (
        "~" in command or "$HOME" in command or (_FROM_HOME.search(command) and not _ELSEWHERE.match(command))
    ):
        yield (
            "It seems to rely on the home directory of its account, which is not known here: it would run in a "
            "temporary directory. Name the directory (--home), or set HOME in the crontab."
        )
