"""Reads the environment; refuses odd values at start, with a hint, instead of guessing."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


# The names of all variables that were asked for.
read: set[str] = set()


def text(name: str, default: str = "") -> str:
    """The variable, stripped; an empty one counts as not set."""
    read.add(name)
    return os.environ.get(name, "").strip() or default


def secret(name: str) -> str:
    """The variable, or the contents of the file that NAME_FILE points to (Docker and Kubernetes secrets)."""
    read.update((name, f"{name}_FILE"))
    path = os.environ.get(f"{name}_FILE", "").strip()
    if not path:
        return text(name)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE={path} cannot be read: {error.strerror}.") from error


def boolean(name: str, default: bool) -> bool:
    """Raises ImproperlyConfigured for what is neither true nor false."""
    value = text(name).lower()
    if not value:
        return default
    if value in _TRUE | _FALSE:
        return value in _TRUE
    raise ImproperlyConfigured(f"{name}={value} is neither true nor false. Use one of: true, false.")


def integer(name: str, default: int, *, low: int, high: int) -> int:
    """A whole number from `low` to `high`. Raises ImproperlyConfigured."""
    value = text(name)
    if not value:
        return default
    if not (value.isascii() and value.lstrip("-").isdigit()) or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{name}={value} is not a whole number from {low} to {high}.")
    return int(value)


def choice(name: str, default: str, options: tuple[str, ...]) -> str:
    """One of `options`. Raises ImproperlyConfigured."""
    value = text(name, default)
    if value not in options:
        raise ImproperlyConfigured(f"{name}={value} is unknown. Use one of: {', '.join(options)}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without its blanks."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def pairs(name: str) -> dict[str, str]:
    """A comma-separated list of `this=that`."""
    found = {}
    for word in words(name):
        left, separator, right = (part.strip() for part in word.partition("="))
        if not (left and separator and right):
            raise ImproperlyConfigured(f"{name}: {word} is not of the form old=new.")
        found[left] = right
    return found


def numbers(name: str, *known: str) -> dict[str, int]:
    """A comma-separated list of `key=number`, whole and above 0, with keys among those `known`."""
    found = {}
    for key, value in pairs(name).items():
        if key not in known:
            raise ImproperlyConfigured(f"{name}: {key} is unknown. Use some of: {', '.join(known)}.")
        if not (value.isascii() and value.isdigit() and int(value[:12]) > 0):
            raise ImproperlyConfigured(f"{name}: {key}={value} is not a whole number above 0.")
        found[key] = int(value[:12])
    return found
