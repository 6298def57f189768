"""The pages: one's own inbox; for administrators the alerts and Slack."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage, Page
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.pages.request import PageRequest, actor
from notifications import inbox, verbs
from notifications.delivery import deliver
from notifications.models import Alert, Notification, SlackSettings
from notifications.pages.forms import SlackForm
from scheduler_site.lib.database.paging import Capped

PAGE_SIZE = 50
P = ParamSpec("P")
View = Callable[Concatenate[PageRequest, P], HttpResponse]


def needs(permission: str) -> Callable[[View[P]], View[P]]:
    """403 for everybody without it who is logged in."""

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: PageRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied(_("This page is for administrators."))
            return view(request, *args, **kwargs)

        return login_required(guarded)

    return guard


# The inbox -----------------------------------------------------------------------------------------------------------


@login_required
@require_GET
def inbox_page(request: PageRequest) -> HttpResponse:
    items, show = request.user.notifications.order_by("-created_at", "-id"), request.GET.get("show", "")
    activity = Q(title__in=inbox.ACTIVITY)
    items = items.filter(activity if show == "activity" else ~activity)
    page = _page(request, items.filter(is_read=False) if show == "unread" else items)
    context = {"page": page, "show": show, "unread_only": show == "unread"}
    return render(request, "notifications/inbox.html", context)


@login_required
@require_POST
def read(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    inbox.read(_own(request, uid))
    return redirect("inbox")


@login_required
@require_POST
def open_item(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    """To the run or the job that an item is about, which has been read by that."""
    item = _own(request, uid)
    inbox.read(item)
    if item.related_execution_uid:
        return redirect("execution", item.related_execution_uid)
    return redirect("job", item.related_job_uid) if item.related_job_uid else redirect("inbox")


@login_required
@require_POST
def read_all(request: PageRequest) -> HttpResponse:
    inbox.read_all(request.user)
    return redirect("inbox")


@login_required
@require_POST
def delete(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    _own(request, uid).delete()
    return redirect("inbox")


@login_required
@require_POST
def delete_read(request: PageRequest) -> HttpResponse:
    count, _rows = request.user.notifications.filter(is_read=True).delete()
    text = ngettext(
        "%(count)d notification has been deleted.", "%(count)d notifications have been deleted.", count
    )
    messages.success(request, text % {"count": count})
    return redirect("inbox")


# Administrators ------------------------------------------------------------------------------------------------------


@needs("notifications.view_alert")
@require_GET
def alerts(request: PageRequest) -> HttpResponse:
    rows = Alert.objects.order_by("-id")
    state = request.GET.get("state", "")
    if state in Alert.State.values:
        rows = rows.filter(state=state)
    context = {"page": _page(request, rows), "state": state, "states": Alert.State.choices}
    return render(request, "notifications/alerts.html", context)


@needs("notifications.resend_alert")
@require_POST
def again(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    if deliver.send_again(get_object_or_404(Alert, uid=uid), by=actor(request)):
        messages.success(request, _("The alert will be sent again."))
    else:
        messages.warning(request, _("Only a failed delivery can be sent again."))
    return redirect("alerts")


@needs("notifications.change_slacksettings")
@require_http_methods(["GET", "POST"])
def slack(request: PageRequest) -> HttpResponse:
    stored = SlackSettings.load()
    form = SlackForm(request.POST if request.method == "POST" else None, slack=stored)
    if form.is_valid():
        try:
            verbs.update_slack(form.cleaned_data, by=actor(request))
        except verbs.Invalid as problem:
            form.add_error(None, str(problem))
        else:
            messages.success(request, _("The settings of Slack have been saved."))
            return redirect("slack")
    return render(request, "notifications/slack.html", {"form": form, "slack": stored})


@needs("notifications.change_slacksettings")
@require_POST
def slack_test(request: PageRequest) -> HttpResponse:
    tell(request, verbs.test_slack())
    return redirect("slack")


def tell(request: PageRequest, alert: Alert) -> None:
    """The result of a test."""
    if alert.last_error:
        text = _("The test message was not delivered: %(reason)s.")
        messages.error(request, text % {"reason": alert.last_error})
    else:
        messages.success(request, _("The test message has been delivered."))


def _own(request: PageRequest, uid: uuid.UUID) -> Notification:
    return get_object_or_404(request.user.notifications, uid=uid)


def _page(request: PageRequest, rows: QuerySet[Model]) -> Page[Model]:
    try:
        return Capped(rows, PAGE_SIZE).page(request.GET.get("page", "1"))
    except InvalidPage as error:
        raise Http404(_("There is no such page.")) from error
