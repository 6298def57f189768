"""The first-steps list of administrators on the dashboard, until it is done or dismissed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.db.models import Exists, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import verbs
from accounts.models import Preferences, User
from accounts.pages.request import PageRequest, actor
from jobs.models import Job
from notifications.models import Alert
from scheduler_site.lib.database.prepared import Prepared

PERMISSION = "accounts.change_user"
# Kept by the browser, whose: there is nothing to ask the database for any more. A look must change nothing here.
ASKED = ("preferences__first_steps_dismissed", "preferences__zone", "known", "arrived", "any_job")
COOKIE, COOKIE_SECONDS = "first-steps-done", 366 * 86_400


@dataclass(frozen=True)
class Step:
    text: str
    url: str
    done: bool


def steps(request: PageRequest) -> list[Step]:
    """In their order; none for others than administrators, and none once all are done or were put away."""
    if _is_done(request) or not request.user.has_perm(PERMISSION):
        return []
    found = _asked(request.user)
    listed = [] if found["preferences__first_steps_dismissed"] else _listed(found)
    return [] if all(step.done for step in listed) else listed


def remember(request: PageRequest, response: HttpResponse) -> None:
    """That there was nothing to list for this administrator."""
    if request.user.has_perm(PERMISSION) and not _is_done(request):
        mine = str(request.user.pk)
        response.set_cookie(COOKIE, mine, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax")


def _is_done(request: PageRequest) -> bool:
    return request.COOKIES.get(COOKIE) == str(request.user.pk)


def _asked(user: User) -> Mapping[str, object]:
    """All of it in one query."""
    return dict(zip(ASKED, _statement(user.pk)[0], strict=True))


def _of(key: int) -> QuerySet[User, Any]:
    known = User.objects.active_admins().filter(must_change_password=True)
    arrived = Alert.objects.exclude(channel=Alert.Channel.INBOX).filter(state=Alert.State.DELIVERED)
    return (
        User.objects.filter(pk=key)
        .order_by()
        .annotate(known=Exists(known), arrived=Exists(arrived), any_job=Exists(Job.objects.all()))
        .values_list(*ASKED)
    )


_statement = Prepared(_of, int)


def _listed(found: Mapping[str, object]) -> list[Step]:
    return [
        Step(_("Change the default password"), reverse("password"), not found["known"]),
        Step(
            _("Choose the time zone in which you read times"),
            reverse("profile"),
            bool(found["preferences__zone"]),
        ),
        Step(
            _("Set up e-mail or another destination of alerts, and send a test"),
            reverse("destinations"),
            bool(found["arrived"]),
        ),
        Step(_("Create your first job"), reverse("job-new"), bool(found["any_job"])),
    ]


@login_required
@permission_required(PERMISSION, raise_exception=True)
@require_POST
def dismiss(request: PageRequest) -> HttpResponse:
    stored = Preferences.objects.get_or_create(user=request.user)[0]
    verbs.set_preferences(stored, {"first_steps_dismissed": True}, by=actor(request))
    return redirect("dashboard")
