"""uvicorn's HTTP/1.1, with deadlines for headers and for reading answers, and with bounds for what comes in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from scheduler_site.front import limits

logger = logging.getLogger(__name__)
# Not a line for every request that a scanner sends; refusals are told at the level DEBUG.
errors = logging.getLogger(f"{__name__}.errors")
# By a filter, as the configuration of logging resets levels.
errors.addFilter(lambda record: record.levelno >= logging.ERROR)

PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
}


class TooMuch(Exception):
    """The request line or the headers are beyond their bounds."""


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger = errors
        self._deadline: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._refusal = (400, "Invalid HTTP request.")
        self._reading_head = False
        self._head = self._fields = 0
        self.idle_since = self.loop.time()
        self.on_lost: Callable[[], None] = lambda: None

    # What the transport says ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(limits.HEADER_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        self.on_lost()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.idle_since = self.loop.time()
            self._head += len(data)
            if self._deadline is None:
                self._deadline = self.loop.call_later(limits.HEADER_SECONDS, self._too_slow)
        super().data_received(data)
        # Headers without an end are not seen by the parser's callbacks.
        if self._deadline is not None and self._head > limits.HEADERS and not self.transport.is_closing():
            status = 414 if not self.headers and len(self.url or b"") > limits.REQUEST_LINE else 431
            self._refuse(status, "The headers are too large.")

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._writing is None:
            self._writing = self.loop.call_later(limits.WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    # What the parser says -------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._fields = 0
        self.scope["state"] |= {"gone": self.transport.is_closing, "abort": self.transport.abort}

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > limits.REQUEST_LINE:
            self._refusal = (414, f"The address is longer than {limits.REQUEST_LINE} bytes.")
            raise TooMuch

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > limits.HEADER_FIELDS:
            self._refusal = (431, f"There are more than {limits.HEADER_FIELDS} header fields.")
            raise TooMuch
        if len(name) + len(value) > limits.HEADER_FIELD:
            self._refusal = (431, f"A header field is longer than {limits.HEADER_FIELD} bytes.")
            raise TooMuch
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            raise TooMuch
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        self.idle_since = self.loop.time()
        if self.transport.is_closing():
            self._bound_closing()
        super().on_response_complete()

    # Ends -----------------------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """uvicorn's way to refuse what the parser could not read."""
        self._refuse(*self._refusal)

    def timeout_keep_alive_handler(self) -> None:
        # With something unwritten, closing would wait for the client.
        self.transport.abort()

    @property
    def is_idle(self) -> bool:
        """Whether nothing that was asked for is lost when it is closed."""
        return self.cycle is None or self.cycle.response_complete

    def _too_slow(self) -> None:
        self._deadline = None
        if self._head:
            self._refuse(408, f"The headers took more than {limits.HEADER_SECONDS:.0f} s.")
        else:
            self.transport.abort()

    def _refuse(self, status: int, text: str) -> None:
        self._cancel()
        logger.debug("request_refused", extra={"status": status, "address": self.client, "reason": text})
        if self.cycle is not None and not self.cycle.response_complete:
            # An answer is being written; this one would be read as a part of it.
            self.transport.abort()
            return
        body = f"{text}\n".encode()
        head = (
            f"HTTP/1.1 {status} {PHRASES[status]}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
        self._bound_closing()

    def _bound_closing(self) -> None:
        """Closing waits until the client has taken what was written: not for ever."""
        if self.transport.get_write_buffer_size() and self._closing is None:
            self._closing = self.loop.call_later(limits.WRITE_SECONDS, self.transport.abort)

    def _cancel(self) -> None:
        for timer in (self._deadline, self._writing, self._closing):
            if timer is not None:
                timer.cancel()
        self._deadline = self._writing = self._closing = None
