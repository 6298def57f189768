"""Mail over SMTP: one deadline for all of a delivery, and the recipients that the server did not take.

Python's smtplib has a timeout for each step only, so that a server which sends a byte now and then holds it for ever; and
Django's backend forgets which of several recipients were refused.
"""

from __future__ import annotations

import contextlib
import os
import smtplib
import socket
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.core.mail.backends.smtp import EmailBackend
from django.core.mail.message import EmailMessage

# After it was cut off a call ends at once, unless it waits for the name server.
GRACE_SECONDS = 0.5


class Refused(Exception):
    """The server took the message, but not for these recipients: address to SMTP code."""

    def __init__(self, codes: dict[str, int]) -> None:
        super().__init__(f"refused: {codes}")
        self.codes = codes


class Backend(EmailBackend):
    """Its timeout (EMAIL_TIMEOUT, in seconds) is that of the whole delivery, from the look-up of the name on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.codes: dict[str, int] = {}
        self._call = Call(lambda: 0)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """How many were sent. Raises Refused after sending to the others; TimeoutError; what smtplib raises."""
        self.codes = {}
        self._call = Call(partial(super().send_messages, email_messages))
        sent = self._call.within(self.timeout)
        if self.codes:
            raise Refused(self.codes)
        return sent

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        base: type[smtplib.SMTP] = super().connection_class
        call, codes = self._call, self.codes

        class Watched(base):  # type: ignore[misc, valid-type]
            def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
                found: socket.socket = super()._get_socket(host, port, timeout)
                call.watch(found)
                return found

            def sendmail(self, *args: Any, **kwargs: Any) -> dict[str, tuple[int, bytes]]:
                refused: dict[str, tuple[int, bytes]] = super().sendmail(*args, **kwargs)
                codes.update({address: code for address, (code, _text) in refused.items()})
                return refused

        return Watched


class Call(threading.Thread):
    """Something that talks over one connection, in a thread of its own: nothing else could end it whatever it waits for."""

    def __init__(self, action: Callable[[], int]) -> None:
        super().__init__(name="mail", daemon=True)
        self._action = action
        self._result, self._error = 0, None  # type: int, Exception | None
        self._lock, self._over = threading.Lock(), False
        self._connection: socket.socket | None = None

    def run(self) -> None:
        try:
            self._result = self._action()
        except Exception as error:
            self._error = error
        finally:
            with self._lock:
                if self._connection:
                    self._connection.close()
                self._connection = None

    def within(self, seconds: float | None) -> int:
        """What the action returns or raises; TimeoutError when it has not done its work in time."""
        self.start()
        self.join(seconds)
        if self.is_alive():
            self._cut()
            self.join(GRACE_SECONDS)
        if self.is_alive() or (self._over and self._error):
            raise TimeoutError(f"not done within {seconds} s")
        if self._error:
            raise self._error
        return self._result

    def watch(self, connection: socket.socket) -> None:
        """Keeps a second handle of the connection: TLS may be put over the first, or its owner may close it."""
        with self._lock:
            if self._over:
                connection.close()
                raise TimeoutError("too late")
            self._connection = socket.socket(fileno=os.dup(connection.fileno()))

    def _cut(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._over = True
            if self._connection:
                self._connection.shutdown(socket.SHUT_RDWR)
