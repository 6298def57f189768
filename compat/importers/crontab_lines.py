"""The lines of a crontab, as Debian's cron reads them (crontab(5)), and what cronie's reads more."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from jobs.schedule.cron import MACROS

SHELL = "/bin/sh"
# Bytes of a crontab: that of a whole team has a hundredth of it.
LARGEST = 1024 * 1024
# Accounts that the system's crontabs of the usual distributions name.
ACCOUNTS = frozenset([
    "root", "daemon", "nobody", "www-data", "apache", "nginx", "mail", "postgres", "mysql", "backup", "munin",
    "logcheck", "clamav", "debian-spamd", "smmsp", "zabbix", "vmail", "prometheus", "nagios",
])  # fmt: skip
# Accounts that are programs too.
COMMANDS = {"mail", "backup", "apache", "nginx", "postgres", "zabbix", "nagios", "prometheus", "logcheck"}
ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?")
VALUE_WITH_STEP = re.compile(r"(?<![-\w])[0-9A-Za-z]+/[0-9]+")
_SETTING = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|\"[^\"]+\"|'[^']+')\s*=\s*(.*)")
# A period in days, a delay in minutes, a name, a command.
_ANACRON = re.compile(r"(?:\d+|@[a-z]+)\s+\d+\s+[A-Za-z][\w.@-]+\s+\S")
_NO_TIME = "A line of anacron (/etc/anacrontab), which counts days and names no time: write it as a line of a crontab."
# A job that was switched off, or the heading of the columns, is no description of the next line.
_NO_WORDS = re.compile(r"(@[a-z]+|([\d*][-\d*/,]*\s+){4}\S+|m(in\w*)?\s+h(our)?)\s.*")


class NoText(ValueError):
    """Why bytes cannot be read as a crontab."""


@dataclass(frozen=True)
class Line:
    """One job of a crontab, with the variables that were set before it and the comment above it."""

    number: int
    text: str
    expression: str = ""
    command: str = ""
    user: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    comment: str = ""
    fault: str = ""
    quiet: bool = False  # cronie's leading `-`: what it runs is not logged


def decoded(data: bytes, encoding: str = "utf-8") -> str:
    """The text of a crontab. Raises NoText; nothing is guessed, for the shell gets the very bytes of a command."""
    if len(data) > LARGEST:
        raise NoText(f"It is larger than {LARGEST} bytes.")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        line, byte = data.count(b"\n", 0, error.start) + 1, data[error.start]
        text = f"Line {line} is not in {encoding.upper()} (byte 0x{byte:02X}). Say which encoding it has."
        raise NoText(text) from error
    except LookupError as error:
        raise NoText(f"There is no encoding {encoding}.") from error
    if "\0" in text:
        raise NoText("It is no text: it contains NUL characters.")
    return text


def lines(text: str, *, user_column: bool = False, home: str = "") -> Iterator[Line]:
    """The jobs of a crontab; `user_column` for /etc/crontab, whose sixth field is an account. `home`: HOME, until it is set."""
    environment: dict[str, str] = {"HOME": home} if home else {}
    comments: list[str] = []
    joined = 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(" \t\r")
        if line.startswith("#"):
            words = line.strip("#-=* \t")
            comments = [] if _NO_WORDS.match(line.lstrip("# \t") + " ") else [*comments, words]
            continue
        if line and not (setting := _SETTING.fullmatch(line)):
            found = _job(Line(number, line, environment=environment), user_column)
            if found.fault and joined == number - 1 > 0:
                found = replace(
                    found, fault=f"{found.fault} The line before it ends in \\: cron joins no lines."
                )
            joined = number if line.endswith("\\") else 0
            yield replace(found, comment="\n".join(comments).strip())
        elif line and setting:
            environment = environment | {_unquoted(setting[1]): _unquoted(setting[2].strip())}
        comments = []


def looks_like_users(text: str) -> bool:
    """Whether the sixth field of every line is an account, as in /etc/crontab: guessed by names that are usual."""
    names = {line.user for line in lines(text, user_column=True) if line.user}
    return bool(names - COMMANDS) and names <= ACCOUNTS


def _job(line: Line, user_column: bool) -> Line:
    quiet = line.text.startswith("-")
    text = line.text.lstrip("-") if quiet else line.text
    count = 1 if text.startswith("@") else 5
    if _ANACRON.match(text):
        return replace(line, fault=_NO_TIME)
    parts = text.split(None, count + user_column)
    if len(parts) < count + user_column + 1:
        return replace(line, fault="It has too few fields.")
    expression, command = " ".join(parts[:count]), parts[-1]
    user = parts[count] if user_column else ""
    line = replace(line, expression=expression, command=command, user=user, quiet=quiet)
    if expression.lower() in MACROS:
        line = replace(line, expression=expression.lower())
    return replace(line, fault=_fault(line))


def _fault(line: Line) -> str:
    """What no schedule here can say, by name."""
    if line.expression.lower() == "@reboot":
        return "@reboot is not a time: such a job is better kept where machines are started."
    if "~" in line.expression:
        return "~ is cronie's random time, which is not known here: write a fixed time."
    if match := VALUE_WITH_STEP.search(line.expression):
        return f"Crons differ on {match[0]}: write a range with a step, or the value alone."
    if line.user and not ACCOUNT.fullmatch(line.user):
        return f"Its sixth field, {line.user}, is no account: is there a column of users at all?"
    return ""


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'" else text


def split_input(command: str) -> tuple[str, str | None]:
    """The command, and what it reads: an unescaped `%` ends the one, further ones end lines of the other."""
    parts = re.split(r"(?<!\\)%", command)
    first, *rest = (part.replace("\\%", "%") for part in parts)
    return first, "\n".join(rest) if rest else None


def arguments(line: Line) -> list[str]:
    """What the shell job runs."""
    command, text = split_input(line.command)
    shell = line.environment.get("SHELL", SHELL)
    kept = {
        name: value for name, value in line.environment.items() if name not in ("MAILTO", "CRON_TZ", "SHELL")
    }
    before = ["env", *(f"{name}={value}" for name, value in sorted(kept.items()))] if kept else []
    if text is None:
        return [*before, shell, "-c", command]
    return [*before, SHELL, "-c", 'printf "%s\\n" "$1" | "$2" -c "$3"', "crontab", text, shell, command]
