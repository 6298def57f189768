"""The page of API tokens: one's own, for administrators everybody's."""

from __future__ import annotations

import datetime as dt
import uuid
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.pages.request import PageRequest, actor, back
from accounts.rest.tokens import LAST_YEAR, MAX_NAME, seen_by
from accounts.signin import api_tokens
from scheduler_site.lib.text import visible


class TokenForm(forms.Form):
    """What it is for, what it may, and until when (a day of the scheduler's zone, inclusive)."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=MAX_NAME,
        validators=[visible],
        help_text=gettext_lazy("What the token is used for."),
    )
    read_only = forms.BooleanField(label=gettext_lazy("Read only"), required=False)
    last_day = forms.DateField(
        label=gettext_lazy("Ends on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("Empty: valid until it is revoked."),
    )

    def clean_last_day(self) -> dt.date | None:
        day: dt.date | None = self.cleaned_data["last_day"]
        if day and not 1971 <= day.year < LAST_YEAR:
            raise ValidationError(_("Choose a year from 1971 to 9000."))
        if day and self._end_of(day) <= timezone.now():
            raise ValidationError(_("This day is in the past."))
        return day

    @property
    def expires_at(self) -> dt.datetime | None:
        day = self.cleaned_data["last_day"]
        return self._end_of(day) if day else None

    @staticmethod
    def _end_of(day: dt.date) -> dt.datetime:
        zone = ZoneInfo(settings.SCHEDULER_TIMEZONE)
        return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: PageRequest) -> HttpResponse:
    """The list, and the form; a new token is shown in the answer to the form, and never again."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    made = None
    if form.is_valid():
        try:
            made = api_tokens.create(
                request.user,
                form.cleaned_data["name"],
                read_only=form.cleaned_data["read_only"],
                expires_at=form.expires_at,
                by=actor(request),
            )
        except api_tokens.TooManyTokens as refusal:
            form.add_error(None, str(refusal))
        else:
            form = TokenForm()
    found = list(seen_by(request.user))
    context = {"form": form, "made": made, "tokens": found, "now": timezone.now()}
    return render(request, "accounts/tokens.html", context)


@login_required
@require_POST
def revoke(request: PageRequest, uid: uuid.UUID) -> HttpResponse:
    token = get_object_or_404(seen_by(request.user), uid=uid)
    if api_tokens.revoke(token, by=actor(request)):
        messages.success(request, _("“%(name)s” has been revoked.") % {"name": token.name})
    else:
        messages.warning(request, _("“%(name)s” was revoked already.") % {"name": token.name})
    return back(request, reverse("tokens"))
