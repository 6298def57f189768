"""A way to a broker that can be cut: for those who go this way it is as if the broker were stopped and started again."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Forwards TCP connections on the loopback to a server. `cut` ends all of them and admits no new ones until `mend`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        usual = 5672 if parts.scheme.startswith("amqp") else 6379
        self._target = (parts.hostname or "127.0.0.1", parts.port or usual)
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._open = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        account = parts.netloc.rpartition("@")[0]
        place = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=f"{account}@{place}" if account else place))
        self.passed = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        with self._lock:
            self._open = False
            for pair in self._pairs:
                _close(*pair)
            self._pairs.clear()

    def mend(self) -> None:
        with self._lock:
            self._open = True

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        with self._lock:
            if not self._open:
                return _close(client)
            try:
                server = socket.create_connection(self._target, 5)
            except OSError:
                return _close(client)
            server.settimeout(None)
            pair = (client, server)
            self._pairs.add(pair)
            self.passed += 1
        threading.Thread(target=self._forward, args=(pair,), daemon=True).start()
        return None

    def _forward(self, pair: tuple[socket.socket, socket.socket]) -> None:
        client, server = pair
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    source: socket.socket = key.fileobj  # type: ignore[assignment]
                    if not (data := source.recv(65536)):
                        raise OSError
                    key.data.sendall(data)
        _close(client, server)
        with self._lock:
            self._pairs.discard(pair)


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        # Not only the descriptor: another thread may be waiting in it.
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
