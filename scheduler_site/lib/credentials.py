"""Finds and masks credentials in JSON values: headers such as Authorization, keys in metadata, user:password@ in URLs.

Recognised by the name of what holds them, masked wherever they are shown, put back where a mask comes in again. Pure functions
over JSON values; a path such as `headers.Authorization` says where one is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

MASK = "********"
# Words, and pairs of neighbouring words, of a name that holds a credential.
_WORDS = frozenset(
    {
        *("password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "bearer"),
        *("authorization", "cookie", "credential", "credentials"),
    }
)
_PAIRS = frozenset(
    {("api", "key"), ("access", "key"), ("private", "key"), ("auth", "key"), ("signing", "key")}
)
# Of the parameters of a URL also these.
_PARAMETERS = frozenset({"key", "sig", "signature", "auth", "code"})
# Names that hold something about a token, and not the token.
_ABOUT = frozenset(
    (
        "type",
        "url",
        "uri",
        "count",
        "length",
        "limit",
        "lifetime",
        "expires",
        "expiry",
        "header",
        "name",
        "id",
    )
)
_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_URL = re.compile(r"https?://", re.IGNORECASE)
# Texts of programs are what they are.
_OPAQUE = frozenset({"script", "requirements"})
LONGEST_NAME = 200


@lru_cache(maxsize=4096)
def is_name(name: str) -> bool:
    """Whether what is called so is a credential."""
    words = [word.lower() for word in _SPLIT.split(name[:LONGEST_NAME]) if word]
    if not words or words[-1] in _ABOUT:
        return False
    return bool(_WORDS & set(words)) or any(pair in _PAIRS for pair in pairwise(words))


def found(value: Any) -> list[str]:
    """The paths of all credentials in a JSON value."""
    return [path for path, _text in _walk(value, "", known=False)]


def masked(value: Any) -> Any:
    """The value with MASK in the place of every credential; the very same where there is none."""
    return _changed(value, None, known=False, how=lambda _new, _old: MASK) if found(value) else value


def unmasked(value: Any, old: Any) -> Any:
    """The value with what `old` has at the same place, where a MASK came back; of URLs only where their origin is the same."""
    if MASK not in str(value):
        return value
    return _changed(
        value, old, known=True, how=lambda new, was: was if new == MASK and was is not None else new
    )


def masks_left(value: Any) -> list[str]:
    """The paths of credentials that are still a mask: there is nothing that it could stand for."""
    return [path for path, text in _walk(value, "", known=False) if text == MASK]


def without_old(value: Any, old: Any) -> tuple[Any, list[str]]:
    """The value without the credentials that `old` has as well, and their paths."""
    before = {text for _path, text in _walk(old, "", known=False)}
    gone = [path for path, text in _walk(value, "", known=False) if text in before]
    if not gone:
        return value, []
    dropped = _changed(value, None, known=False, how=lambda new, _old: None if new in before else new)
    return dropped, gone


def _walk(value: Any, path: str, *, known: bool) -> Iterator[tuple[str, str]]:
    """Each credential with its path; `known`: what holds the value is called one."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _OPAQUE and isinstance(inner, str):
                continue
            yield from _walk(
                inner, f"{path}.{name}" if path else str(name), known=known or is_name(str(name))
            )
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _walk(inner, f"{path}.{number}" if path else str(number), known=known)
    elif known and _is_text(value):
        yield path, str(value)
    elif isinstance(value, str) and _URL.match(value):
        yield from ((f"{path}?{name}" if path else name, text) for name, text in _in_url(value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and str(value) != ""


def _changed(value: Any, old: Any, *, known: bool, how: Any) -> Any:
    """A copy in which `how(new, old)` stands for each credential, and nothing where it says None.

    With `old` (a mask is looked for) every text is looked at where `known` starts as true.
    """
    if isinstance(value, Mapping):
        olds = old if isinstance(old, Mapping) else {}
        copy = {}
        for name, inner in value.items():
            opaque = name in _OPAQUE and isinstance(inner, str)
            new = (
                inner
                if opaque
                else _changed(inner, olds.get(name), known=known or is_name(str(name)), how=how)
            )
            if new is not None or inner is None:
                copy[name] = new
        return copy
    if isinstance(value, list | tuple):
        alike = isinstance(old, list | tuple) and len(old) == len(value)
        before = old if alike else [None] * len(value)
        return [_changed(one, was, known=known, how=how) for one, was in zip(value, before, strict=True)]
    if isinstance(value, str) and _URL.match(value):
        return _url_changed(value, old if isinstance(old, str) else "", how)
    return how(value, old) if known and _is_text(value) else value


# URLs ------------------------------------------------------------------------------------------------------------------


def _in_url(url: str) -> list[tuple[str, str]]:
    parts = _split(url)
    if parts is None:
        return []
    user, _at, _host = parts.netloc.rpartition("@")
    told = [("user", unquote(user))] if user else []
    return told + [(name, text) for name, text in _parameters(parts) if _is_parameter(name) and text]


def _url_changed(url: str, old: str, how: Any) -> str:
    parts, was = _split(url), _split(old)
    if parts is None:
        return url
    user, _at, host = parts.netloc.rpartition("@")
    same = was is not None and _origin(was) == _origin(parts)
    olds = dict(_in_url(old)) if same else {}
    if user and (new := how(unquote(user), olds.get("user"))) != unquote(user):
        parts = parts._replace(netloc=f"{quote(new, safe='*:')}@{host}" if new else host)
    pieces = []
    for piece in parts.query.split("&") if parts.query else []:
        name, _sign, text = piece.partition("=")
        if _is_parameter(unquote(name)) and text:
            before = unquote(text.replace("+", " "))
            new = how(before, olds.get(unquote(name)))
            if new is None:
                continue
            piece = piece if new == before else f"{name}={quote(new, safe='*')}"
        pieces.append(piece)
    return urlunsplit(parts._replace(query="&".join(pieces)))


def _is_parameter(name: str) -> bool:
    return name.lower() in _PARAMETERS or is_name(name)


def _parameters(parts: SplitResult) -> list[tuple[str, str]]:
    return parse_qsl(parts.query, keep_blank_values=True)


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme.lower(), (parts.hostname or "").lower(), port


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


# Apart --------------------------------------------------------------------------------------------------------------------


def split(value: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """An object without what its keys call a credential, and these alone in the same shape. What is in URLs and lists stays."""
    rest: dict[str, Any] = {}
    taken: dict[str, Any] = {}
    for name, inner in value.items():
        if is_name(str(name)) and _is_text(inner):
            taken[name] = inner
        elif isinstance(inner, Mapping) and not is_name(str(name)):
            rest[name], below = split(inner)
            if below:
                taken[name] = below
        else:
            rest[name] = inner
    return rest, taken


def split_url(url: str) -> tuple[str, dict[str, str]]:
    """A URL without the parameters that are credentials, and these."""
    found = {name: text for name, text in _in_url(url) if name != "user"}
    return (_url_changed(url, "", lambda _new, _old: None), found) if found else (url, {})


def joined(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both objects in one; where both have something, what is `above` counts."""
    both = dict(below) | dict(above)
    for name, inner in above.items():
        under = below.get(name)
        if isinstance(inner, Mapping) and isinstance(under, Mapping):
            both[name] = joined(under, inner)
    return both
