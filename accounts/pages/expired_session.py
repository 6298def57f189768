"""Keeps a form that was sent after the session had ended: it goes through the login and is filled in again.

The browser carries it, in a field of the login form, encrypted: the server keeps nothing for people it does not know. After the
login it lies, still encrypted, in the new session until the page of the form is shown. Passwords are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.pages.forms import LoginForm
from scheduler_site.lib.encrypted import seal, unseal

FIELD, IN_SESSION = "kept", "kept_form"
LIFETIME = 3600
# Of what a request may hold, so much is left for the other fields of the login form.
OTHERS = 64 * 1024
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
# Fields that the user did not type.
OURS = ("csrfmiddlewaretoken", "next")


@dataclass(frozen=True)
class KeptForm:
    """`fields` were to be sent to `action` from the page `page`: names and values, in their order."""

    page: str
    action: str
    fields: list[tuple[str, str]]

    def to_json(self) -> dict[str, Any]:
        return {"action": self.action, "fields": self.fields}


def is_redirect_to_login(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a form was answered with a redirect to the login."""
    if request.method != "POST" or response.status_code != 302 or "HX-Request" in request.headers:
        return False
    if request.resolver_match and request.resolver_match.url_name == "set_language":
        return False
    logins = (reverse("login"), reverse("admin:login"))
    return request.content_type in FORMS and urlsplit(response["Location"]).path in logins


def login_page(request: HttpRequest) -> HttpResponse | None:
    """The login, with what was typed in it; None where there was nothing, or more than a request may hold."""
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in OURS and "password" not in name.lower()
    ]
    if not any(value for _name, value in fields):
        return None
    page = _page(request)
    kept = seal({"page": page, "action": request.get_full_path(), "fields": fields})
    if len(kept) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE - OTHERS:
        return None  # a login form that carried it would be refused
    context = {"form": LoginForm(request), "next": page, "kept": kept}
    return render(request, "accounts/login.html", context, status=401)


def take_kept_form(request: HttpRequest) -> KeptForm | None:
    """The kept form of the requested page, removed from the session: it is shown once."""
    text = request.session.get(IN_SESSION)
    if not text or request.method != "GET":
        return None
    found = unseal(text, seconds=LIFETIME)
    if found and found["page"] != request.get_full_path():
        return None
    del request.session[IN_SESSION]  # shown, or too old to be shown
    return found and KeptForm(
        found["page"], found["action"], [(name, value) for name, value in found["fields"]]
    )


def keep_after_login(request: HttpRequest) -> None:
    """Called after a login: keeps the form that came with it in the session, for its page."""
    text = request.POST.get(FIELD, "")
    if text and unseal(text, seconds=LIFETIME):
        request.session[IN_SESSION] = text


def _page(request: HttpRequest) -> str:
    """The page that the form stands on; its address, where the browser does not tell."""
    origin = request.META.get("HTTP_REFERER", "")
    if not url_has_allowed_host_and_scheme(origin, allowed_hosts={request.get_host()}):
        return request.get_full_path()
    parts = urlsplit(origin)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
