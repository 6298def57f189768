"""The pages of what a semester asks."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.pages.request import PageRequest, actor
from themes import queries
from themes.models import Theme, ThemeSetting
from themes.semesters import is_semester, of
from themes.verbs import semesters as verbs

from .base import changes, delete_page, form_page, may_change, reads
from .forms import CopySettingsForm, NewSettingForm, SettingForm, around_now

SETTINGS = ThemeSetting.objects.select_related("theme")


def _back(semester: str) -> str:
    return f"{reverse('registry-settings')}?{urlencode({'semester': semester})}"


@reads
def settings(request: PageRequest) -> HttpResponse:
    """Of one semester: the one that is asked for, else the latest that has any."""
    known = queries.semesters()
    semester = request.GET.get("semester") or (known[0] if known else of(timezone.localdate()))
    if not is_semester(semester):
        raise Http404(_("There is no such page."))
    enabled = queries.enabled_in(semester)
    rows = [
        (setting, [(sub, sub.pk in enabled) for sub in setting.theme.sub_themes.all()])
        for setting in queries.settings(semester)
    ]
    context = {"semester": semester, "semesters": known, "rows": rows, "may_change": may_change(request)}
    return render(request, "themes/settings.html", context)


@changes
def new(request: PageRequest) -> HttpResponse:
    asked = request.GET.get("semester", "")
    semester = asked if is_semester(asked) else of(timezone.localdate())
    form = NewSettingForm(request.POST or None, initial={"school_year_semester": semester})

    def save() -> str:
        values = dict(form.values)
        theme: Theme = values.pop("theme")
        made = verbs.create_setting(values.pop("school_year_semester"), theme, values, actor(request))
        return _("“%(name)s” has been created.") % {"name": made}

    about = _("Every sub theme that the theme has now is enabled; change that afterwards.")
    back = _back(request.POST.get("school_year_semester", semester)[:4])
    return form_page(request, form, save, title=_("New theme setting"), back=back, about=about)


@changes
def edit(request: PageRequest, setting: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(SETTINGS.all(), uid=setting)
    initial = {"enabled": queries.enabled_in(found.school_year_semester)}
    form = SettingForm(
        request.POST or None, instance=get_object_or_404(SETTINGS.all(), uid=setting), initial=initial
    )

    def save() -> str:
        values = dict(form.values)
        enabled = {sub_theme.pk for sub_theme in values.pop("enabled")}
        saved = verbs.update_setting(found, values, actor(request), enabled, form.seen)
        return _("“%(name)s” has been saved.") % {"name": saved}

    title = _("Edit %(name)s") % {"name": found}
    return form_page(request, form, save, title=title, back=_back(found.school_year_semester))


@changes
def delete(request: PageRequest, setting: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(SETTINGS.all(), uid=setting)
    back = _back(found.school_year_semester)
    return delete_page(
        request,
        found,
        lambda: verbs.delete_setting(found, actor(request)),
        back=back,
        then=back,
        about=_(
            "The theme and its sub themes are not asked for in this semester any more. Course entries stay."
        ),
    )


@changes
def copy(request: PageRequest) -> HttpResponse:
    form = CopySettingsForm(request.POST or None, initial=around_now(timezone.localdate()))

    def save() -> str:
        given = form.cleaned_data
        done = verbs.copy_settings(given["source"], given["target"], actor(request))
        counts = {"themes": done.themes, "sub_themes": done.sub_themes, "semester": given["target"]}
        return (
            _("Copied to %(semester)s: settings of %(themes)d themes and %(sub_themes)d sub themes.") % counts
        )

    about = _("The settings of the target semester are replaced. Course entries stay as they are.")
    back = _back(request.POST.get("target", "")[:4])
    return form_page(request, form, save, title=_("Copy settings"), back=back, about=about, button=_("Copy"))
