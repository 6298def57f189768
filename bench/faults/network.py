"""A line between one program and its servers that can be cut: a relay on a port of its own for each server."""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import suppress
from typing import Literal

How = Literal["hangs", "breaks"]


class Relay:
    """Passes bytes between 127.0.0.1:`port` and a server, unless its line is cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._whole = threading.Event()
        self._whole.set()
        self._refuses = False
        # So many commits are passed on, and their connection broken before they are answered.
        self._losing = 0
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, how: How) -> None:
        """`hangs`: connections stay open and silent; `breaks`: they are closed, and new ones too."""
        self._refuses = how == "breaks"
        self._whole.clear()
        if self._refuses:
            self._close_all()

    def lead_to(self, target: int) -> None:
        """New connections go there, and those that are open break, as when an address moves to another server."""
        self._target = target
        self._close_all()

    def lose_commit(self) -> None:
        """The next commit lands, and whoever made it never hears so."""
        self._losing = 1

    def mend(self) -> None:
        self._refuses = False
        self._whole.set()

    def close(self) -> None:
        self._listener.close()
        self._close_all()
        self.mend()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._refuses:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                self._ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._whole.wait()
                if self._losing and b"COMMIT" in data:
                    self._losing = 0
                    # Nothing comes back this way any more.
                    source.shutdown(socket.SHUT_RDWR)
                    sink.sendall(data)
                    # For the server to carry it out.
                    time.sleep(0.3)
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _close_all(self) -> None:
        ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Line:
    """The relays of one program; `addresses` lead through them."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self._relays: dict[int, Relay] = {}
        self.addresses = {
            name: re.sub(r"(?<=127\.0\.0\.1:)\d+", self._relayed, url) for name, url in addresses.items()
        }

    def cut(self, how: How) -> None:
        for relay in self._relays.values():
            relay.cut(how)

    def mend(self) -> None:
        for relay in self._relays.values():
            relay.mend()

    def lead_to(self, port: int, other: int) -> None:
        """What went to `port` goes to `other` from now on."""
        self._relays[port].lead_to(other)

    def lose_commit(self) -> None:
        for relay in self._relays.values():
            relay.lose_commit()

    def close(self) -> None:
        for relay in self._relays.values():
            relay.close()

    def _relayed(self, port: re.Match[str]) -> str:
        target = int(port[0])
        if target not in self._relays:
            self._relays[target] = Relay(target)
        return str(self._relays[target].port)
