"""The type of a request behind the login, its actor for the audit trail, and the redirect back to the form's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from audit.record import Actor


class PageRequest(HttpRequest):
    user: User
    htmx: HtmxDetails


def actor(request: PageRequest) -> Actor:
    """The actor for the audit trail: the account, its address and the surface "page"."""
    return Actor.request(request, surface="page")


def back(request: HttpRequest, default: str) -> HttpResponseRedirect:
    """To the page that the form came from, when it names one of ours, else to `default`."""
    target = request.POST.get("next", "")
    local = url_has_allowed_host_and_scheme(target, allowed_hosts=None) and "\0" not in target
    return HttpResponseRedirect(target if local else default)
