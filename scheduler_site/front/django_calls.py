"""Calls Django in a thread: the answer, and the pieces of a long one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.signals import request_finished
from django.db import close_old_connections
from django.http import HttpResponseBase
from django.http.response import HttpResponse

from scheduler_site.front import limits
from scheduler_site.lib.deferred import DeferredRequest, DeferredResponse

Headers = list[tuple[bytes, bytes]]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass
class Answer:
    """`body` is all of it, or with `rest` its beginning; `kept` says that the answer comes later."""

    status: int
    headers: Headers
    body: bytes = b""
    rest: Rest | None = None
    kept: DeferredRequest | None = None

    def merged(self, earlier: Headers) -> Answer:
        """With the headers that middleware had added to what stood for this answer."""
        mine = {name for name, _value in self.headers if name != b"set-cookie"}
        ours = mine | {b"content-length", b"content-type"}
        self.headers = [pair for pair in earlier if pair[0] not in ours] + self.headers
        return self


@dataclass
class Rest:
    """What has not been made yet of an answer."""

    pieces: Iterator[bytes]
    close: Callable[[], None]

    def more(self) -> bytes:
        """About a piece (limits.PIECE), or less at the end; then nothing."""
        found: list[bytes] = []
        size = 0
        for piece in self.pieces:
            found.append(piece)
            size += len(piece)
            if size >= limits.PIECE:
                break
        return b"".join(found)


@dataclass
class Call:
    """One WSGI call, made in a thread."""

    application: Application
    environ: dict[str, Any]
    _status: int = 500
    _headers: Headers = field(default_factory=list)

    def __call__(self) -> Answer:
        result = self.application(self.environ, self._start)
        answer = Answer(self._status, self._headers)
        if isinstance(result, DeferredResponse):
            answer.kept = result.kept
            result.close()
            return answer
        if self.environ["SERVER_PROTOCOL"] == "HTTP/1.0" and not _has_length(answer):
            # It has no chunks (RFC 9112, 6.1): without a length, a cut answer would pass for a whole one.
            return _measured(_read(answer, result, in_pieces=False))
        return _read(answer, result)

    def _start(self, status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        self._status, self._headers = int(status.split(" ", 1)[0]), _encoded(headers)


def finish(kept: DeferredRequest) -> Answer:
    """The second half of a request that waited. To be called in a thread."""
    close_old_connections()
    try:
        response = kept.finish()
    except BaseException:
        request_finished.send(sender=DeferredRequest)
        raise
    return _rendered(response)


def _rendered(response: HttpResponseBase) -> Answer:
    if isinstance(response, DeferredResponse):
        answer = Answer(response.status_code, [], kept=response.kept)
        response.close()
        return answer
    cookies = [("Set-Cookie", morsel.OutputString()) for morsel in response.cookies.values()]
    headers = _encoded([*response.items(), *cookies])
    if isinstance(response, HttpResponse) and not response.has_header("Content-Length"):
        headers.append((b"content-length", str(len(response.content)).encode()))
    return _read(Answer(response.status_code, headers), response)


def _has_length(answer: Answer) -> bool:
    return any(name == b"content-length" for name, _value in answer.headers)


def _measured(answer: Answer) -> Answer:
    answer.headers.append((b"content-length", str(len(answer.body)).encode()))
    return answer


def _read(answer: Answer, result: Iterable[bytes], *, in_pieces: bool = True) -> Answer:
    """With the body; of a long one the beginning, if it may be written `in_pieces`.

    Database connections are given back in the thread that used them.
    """
    close = getattr(result, "close", lambda: None)
    rest = Rest(iter(result), close)
    try:
        if in_pieces and getattr(result, "streaming", False):
            answer.body = rest.more()
            if len(answer.body) >= limits.PIECE:
                answer.rest = rest
        else:
            answer.body = b"".join(rest.pieces)
    finally:
        if answer.rest is None:
            close()
    return answer


def _encoded(headers: Iterable[tuple[str, str]]) -> Headers:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
