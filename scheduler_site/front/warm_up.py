"""What each web process does with its first request, done once before they are forked: what is loaded, compiled and found for
it stays in memory that they share.
"""

from __future__ import annotations

import logging
from importlib import import_module
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.db import connections

log = logging.getLogger("scheduler_site.front")


def warm_up() -> None:
    """Answers a request for the login page. Whatever fails here fails in the programs too, and is told there."""
    try:
        _login_page()
    except Exception as error:
        log.info("warm_up_failed", extra={"error": repr(error)})
    finally:
        # No connection is open when a program is forked.
        connections.close_all()


def _login_page() -> None:
    environ: dict[str, Any] = {
        "HTTP_HOST": next((host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"), "localhost"),
        "PATH_INFO": "/login",
        "wsgi.input": BytesIO(),
        # Else it would lead to https where the settings say so.
        "wsgi.url_scheme": "https",
    }
    setup_testing_defaults(environ)
    # Not imported before the static files are there: WhiteNoise lists them when the application is made.
    answer = import_module("scheduler_site.wsgi").application(environ, lambda *_: None)
    for _part in answer:
        pass
    if close := getattr(answer, "close", None):
        close()
