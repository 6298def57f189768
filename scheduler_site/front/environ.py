"""The WSGI environ of a request (PEP 3333)."""

from __future__ import annotations

import sys
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from django.conf import settings

from scheduler_site.lib.deferred import KEPT

Scope = dict[str, Any]


def environ(scope: Scope, body: IO[bytes]) -> dict[str, Any]:
    server, client = scope.get("server") or ("", None), scope.get("client") or ("", None)
    found: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0] or "localhost",
        "SERVER_PORT": str(server[1] or ""),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1] or ""),
        "wsgi.version": (1, 0),
        # Whether TLS was spoken is the proxy's word, which Django judges (SECURE_PROXY_SSL_HEADER).
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        KEPT: True,
    }
    for name, value in scope["headers"]:
        # X_Forwarded_For would become the same variable as the header of a proxy.
        if b"_" not in name:
            _add(found, name.decode("latin-1").upper().replace("-", "_"), value.decode("latin-1"))
    return found


def _add(found: dict[str, Any], name: str, value: str) -> None:
    if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        name = f"HTTP_{name}"
    between = "; " if name == "HTTP_COOKIE" else ","
    found[name] = f"{found[name]}{between}{value}" if name in found else value


def header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def client_of(scope: Scope) -> str:
    """Whom a request counts for when threads are shared out; behind a proxy, what the proxy appended last."""
    if settings.BEHIND_PROXY and (forwarded := header(scope, b"x-forwarded-for")):
        return forwarded.rsplit(",", 1)[-1].strip()
    return str((scope.get("client") or ("",))[0])
