"""The profile page: the account, its language, the time zone of its lists, and the daily digest."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import verbs
from accounts.models import Preferences, Team, User
from accounts.pages.request import PageRequest, actor
from scheduler_site.lib.database.prepared import Prepared

# The zone of a session's lists, so that they need not ask the database for it.
ZONE = "zone"


class ProfileForm(forms.ModelForm[Preferences]):
    class Meta:
        model = Preferences
        fields = ("language", "zone", "daily_digest")
        labels = {"daily_digest": gettext_lazy("Daily digest by e-mail")}
        help_texts = {
            "zone": gettext_lazy("Of the times in lists. Empty: the zone of your browser."),
            "daily_digest": gettext_lazy("Once a day: what is not healthy, and jobs without an owner."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = self.fields["language"]
        language.choices = [("", _("that of your browser")), *settings.LANGUAGES]  # type: ignore[attr-defined]
        self.fields["zone"].widget.attrs |= {"list": "timezones", "spellcheck": "false"}

    def clean_zone(self) -> str:
        name: str = self.cleaned_data["zone"]
        try:
            return ZoneInfo(name).key if name else ""
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValidationError(_("There is no such time zone.")) from error


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def profile(request: PageRequest) -> HttpResponse:
    stored = Preferences.objects.get_or_create(user=request.user)[0]
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=stored)
    if form.is_valid():
        chosen = form.cleaned_data
        verbs.set_preferences(stored, chosen, by=actor(request))
        request.session[ZONE] = chosen["zone"]
        with override(chosen["language"] or None):
            messages.success(request, _("Your profile has been saved."))
        return _in_language(redirect("profile"), chosen["language"])
    context = {
        "form": form,
        "zones": sorted(available_timezones()),
        "teams": Team.objects.filter(members=request.user),
    }
    return render(request, "accounts/profile.html", context, status=400 if form.is_bound else 200)


def chosen_zone(request: PageRequest) -> str:
    """The zone that this account has chosen for its lists; empty: none. Known to the session since its login."""
    if ZONE in request.session:
        return str(request.session[ZONE])
    return stored_zone(request.user)


def stored_zone(user: User) -> str:
    return _zone_of.first(user.pk) or ""


_zone_of = Prepared(lambda user: Preferences.objects.filter(user=user).order_by().values_list("zone"), int)


def _in_language(answer: HttpResponse, language: str) -> HttpResponse:
    """As Django's own view does it, which sets the language of the footer's buttons."""
    if language:
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            path=settings.LANGUAGE_COOKIE_PATH,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        )
    return answer
