"""Below another site's root (BASE_PATH), whether the proxy hands on the whole path or takes the beginning away."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def below(application: Application, base: str) -> Application:
    """The same WSGI application, told only of what follows `base`. A path without it is taken as it is."""
    if not base:
        return application

    def shortened(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == base or path.startswith(f"{base}/"):
            environ["PATH_INFO"] = path[len(base) :] or "/"
        return application(environ, start_response)

    return shortened
