"""From events to Django and back: a request is read in full, answered in a thread, and written at the client's pace."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig

from scheduler_site.front import limits
from scheduler_site.front.django_calls import Answer, Application, Call, Rest, finish
from scheduler_site.front.environ import Scope, client_of, environ, header
from scheduler_site.front.fair_queue import FairQueue
from scheduler_site.front.waiting_requests import WaitingRequests
from scheduler_site.lib.deferred import DeferredRequest

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# They have a thread of their own: whoever watches Belfry is answered however many others wait.
PROBES = ("/healthz", "/api/health", "/api/v2/health", "/metrics")
# More than a form has around its file.
AROUND = 64 * 1024


class ClientGone(Exception):
    """The client has left, or was too slow."""


class UnreadBody:
    """A body that no view takes, so that it is not read: too long, or of unknown length."""

    def read(self, *_: Any) -> NoReturn:
        raise RequestDataTooBig("The body is larger than anything that is taken.")

    readline = readlines = __iter__ = read


@dataclass
class Bridge:
    """An ASGI application out of a WSGI application. `work` and `probes`: the threads; `waits`: who waits without one."""

    application: Application
    work: FairQueue
    probes: FairQueue
    waits: WaitingRequests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._serve(scope, receive, send)
        except ClientGone:
            return

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body, whole = await self._body(scope, receive)
        except TimeoutError:
            await _write(scope, send, _refused(408, "The body took too long."), more=False)
            return
        with body if whole else tempfile.SpooledTemporaryFile():
            turns = self.probes if _is_probe(scope) else self.work
            client = client_of(scope)
            answer = await turns.run(client, Call(self.application, environ(scope, body)))
            if not whole:
                # What is still on its way would be taken for the next request.
                answer.headers.append((b"connection", b"close"))
            headers = answer.headers
            while kept := answer.kept:
                await self._kept(kept, receive)
                answer = (await turns.run(client, partial(finish, kept))).merged(headers)
            await self._answer(scope, receive, send, answer, whole=whole)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, answer: Answer, *, whole: bool
    ) -> None:
        """Writes it. A client that is still sending (not `whole`) is given time to read it before the connection is closed."""
        client, rest = client_of(scope), answer.rest
        streams = rest is not None and scope["method"] != "HEAD"
        try:
            await _write(scope, send, answer, more=streams or not whole)
            if rest and streams:
                await self._stream(scope, send, rest, client)
            if not whole:
                await _linger(receive)
            if streams or not whole:
                await _send(scope, send, b"", more=False)
        finally:
            if rest:
                await self.work.run(client, rest.close)

    async def _body(self, scope: Scope, receive: Receive) -> tuple[IO[bytes], bool]:
        """The body, and whether it is there. Raises TimeoutError, ClientGone."""
        length = header(scope, b"content-length")
        if header(scope, b"transfer-encoding") or (length.isdigit() and int(length) > largest_body()):
            return UnreadBody(), False  # type: ignore[return-value]
        body = tempfile.SpooledTemporaryFile(max_size=limits.BODY_IN_MEMORY)  # noqa: SIM115 - closed by the caller
        more = length not in ("", "0")
        try:
            async with asyncio.timeout(limits.BODY_SECONDS):
                while more:
                    message = await asyncio.wait_for(receive(), limits.BODY_PAUSE_SECONDS)
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    body.write(message.get("body", b""))
                    more = message.get("more_body", False)
        except BaseException:
            body.close()
            raise
        body.seek(0)
        return body, True

    async def _kept(self, kept: DeferredRequest, receive: Receive) -> None:
        """Waits for what it waits for. Raises ClientGone when the client leaves meanwhile."""
        over = asyncio.ensure_future(self.waits.until(kept))
        left = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({over, left}, return_when=asyncio.FIRST_COMPLETED)
            if not over.done() and not kept.to_the_end:
                raise ClientGone
            await over
        finally:
            for task in (over, left):
                task.cancel()
            await asyncio.gather(over, left, return_exceptions=True)

    async def _stream(self, scope: Scope, send: Send, rest: Rest, client: str) -> None:
        """The rest of a long answer: a thread makes the next piece when the client has taken the one before."""
        try:
            while piece := await self.work.run(client, rest.more):
                await _send(scope, send, piece, more=True)
        except Exception:
            # The last chunk is missing, so the client knows that it is cut. Closing would wait until it has read the rest.
            scope["state"]["abort"]()
            raise


def largest_body() -> int:
    """Bytes: what the most generous view takes."""
    return max(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.BULK_UPLOAD_MAX_BYTES + AROUND)


def _is_probe(scope: Scope) -> bool:
    path: str = scope["path"].removeprefix(settings.BASE_PATH)
    return path.rstrip("/") in PROBES


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _write(scope: Scope, send: Send, answer: Answer, *, more: bool) -> None:
    """`more`: something follows the body."""
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    body = memoryview(answer.body)
    for start in range(0, len(body) or 1, limits.PIECE):
        piece = body[start : start + limits.PIECE]
        await _send(scope, send, piece, more=more or start + limits.PIECE < len(body))


async def _linger(receive: Receive) -> None:
    """Closed at once, the connection of a client that is still sending would be reset before it reads the answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limits.LINGER_SECONDS):
            while (message := await receive())["type"] != "http.disconnect" and message.get("more_body"):
                pass


async def _send(scope: Scope, send: Send, body: bytes | memoryview, *, more: bool) -> None:
    """Returns when the client has taken most of what was sent before. Raises ClientGone."""
    await send({"type": "http.response.body", "body": body, "more_body": more})
    if more and scope["state"]["gone"]():
        raise ClientGone


def _refused(status: int, text: str) -> Answer:
    body = f"{text}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    return Answer(status, headers, body)
