"""One line per event: a stable machine name first, then the facts. Text from users cannot start a new line."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from django.utils.log import CallbackFilter

from scheduler_site.lib.text import inert_line

# What every LogRecord carries; the rest was given by the caller as `extra`.
_STANDARD = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "data"}


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in record.__dict__.items() if key not in _STANDARD}


class LineFormatter(logging.Formatter):
    """`12:00:01 WARNING executions run_lost run=... reason=...`, for people."""

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{key}={value}" for key, value in _facts(record).items())
        line = f"{datetime.fromtimestamp(record.created):%H:%M:%S} {record.levelname} {record.getMessage()} {facts}"
        if record.exc_info:
            line += " | " + self.formatException(record.exc_info)
        return inert_line(line.rstrip().replace("\r", "\\r").replace("\n", "\\n  "))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        } | _facts(record)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return inert_line(json.dumps(line, ensure_ascii=False, default=str))


APPS = (
    "belfry",
    "audit",
    "accounts",
    "notifications",
    "incidents",
    "jobs",
    "executions",
    "compat",
    "scheduler_site",
)


# What anybody can send (django.core.exceptions): a line of the log, but not the traceback with it.
REFUSED = (
    "DisallowedHost",
    "DisallowedRedirect",
    "RequestDataTooBig",
    "SuspiciousFileOperation",
    "SuspiciousMultipartForm",
    "SuspiciousOperation",
    "SuspiciousSession",
    "TooManyFieldsSent",
    "TooManyFilesSent",
)


def configured(level: str, form: str) -> dict[str, Any]:
    """Django's LOGGING; `form` is `line` or `json`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": LineFormatter}, "json": {"()": JsonFormatter}},
        "filters": {
            "unexpected": {"()": CallbackFilter, "callback": _unexpected},
            "without_traceback": {"()": CallbackFilter, "callback": _without_traceback},
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": form}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {name: {"level": level} for name in APPS}
        | {
            "celery.worker.consumer": {"level": "WARNING"},
            "django.request": {"level": "ERROR", "filters": ["unexpected"]},
        }
        | {
            f"django.security.{what}": {"level": "ERROR", "filters": ["without_traceback"]}
            for what in REFUSED
        },
    }


def _unexpected(record: logging.LogRecord) -> bool:
    """503 is what the health check says on purpose, and what `unavailable.note` has told already."""
    return getattr(record, "status_code", 500) != 503


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = None
    return True
