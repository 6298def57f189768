"""Questions about environments that a child process answers, each within a deadline of its own."""

from __future__ import annotations

from typing import IO, Any

from django.utils.translation import gettext as _

from environments.backends.base import Failed, Invalid, Package, Request
from environments.config import config
from environments.errors import Refused
from environments.models import Environment
from environments.operations import process

LISTING_SECONDS = 20.0
MEASURING_SECONDS = 120.0


def request(environment: Environment, action: str, **more: Any) -> Request:
    return Request(
        action,
        environment.backend,
        config(),
        prefix=str(environment.prefix),
        home=str(environment.home),
        **more,
    )


def installed(environment: Environment) -> list[Package]:
    """Its packages by name, read from it now. Raises Failed."""
    done = process.ask(request(environment, "packages"), seconds=LISTING_SECONDS)
    return [Package(**package) for package in done["packages"]]


def mend(environment: Environment, lock: IO[bytes]) -> dict[str, Any]:
    """Undoes a change that was cut off; the child's answer. The caller holds the lock.

    Raises Refused when it cannot be undone, or nothing usable is left.
    """
    done = _asked(request(environment, "mend"), lock)
    if not done.get("exists"):
        raise Refused(_("There is no usable environment in its directory any more."))
    return done


def _asked(what: Request, lock: IO[bytes] | None = None) -> dict[str, Any]:
    try:
        return process.ask(what, seconds=MEASURING_SECONDS, lock=lock)
    except process.Stopped as error:
        raise Refused(_("It took too long to look at the environment.")) from error
    except (Failed, Invalid, OSError) as error:
        raise Refused(str(error)) from error
