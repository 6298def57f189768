"""The pages of themes and their sub themes."""

from __future__ import annotations

import uuid

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.pages.request import PageRequest, actor
from themes.models import SubTheme, Theme
from themes.verbs import catalog

from .base import changes, delete_page, form_page, may_change, reads
from .forms import SubThemeForm, ThemeForm


@reads
def themes(request: PageRequest) -> HttpResponse:
    found = Theme.objects.annotate(count=Count("sub_themes"))
    return render(request, "themes/list.html", {"themes": found, "may_change": may_change(request)})


@reads
def theme(request: PageRequest, theme: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(Theme.objects.all(), uid=theme)
    context = {
        "theme": found,
        "sub_themes": found.sub_themes.select_related("theme"),
        "settings": found.semester_settings.order_by("-school_year_semester"),
        "may_change": may_change(request),
    }
    return render(request, "themes/theme.html", context)


@changes
def new_theme(request: PageRequest) -> HttpResponse:
    form = ThemeForm(request.POST or None)

    def save() -> str:
        made = catalog.create_theme(form.values, actor(request))
        return _("“%(name)s” has been created.") % {"name": made}

    return form_page(request, form, save, title=_("New theme"), back=reverse("registry"))


@changes
def edit_theme(request: PageRequest, theme: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(Theme.objects.all(), uid=theme)
    form = ThemeForm(request.POST or None, instance=get_object_or_404(Theme.objects.all(), uid=theme))

    def save() -> str:
        saved = catalog.update_theme(found, form.values, actor(request), form.seen)
        return _("“%(name)s” has been saved.") % {"name": saved}

    title = _("Edit %(name)s") % {"name": found}
    return form_page(request, form, save, title=title, back=reverse("registry-theme", args=[found.uid]))


@changes
def delete_theme(request: PageRequest, theme: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(Theme.objects.all(), uid=theme)
    return delete_page(
        request,
        found,
        lambda: catalog.delete_theme(found, actor(request)),
        back=reverse("registry-theme", args=[found.uid]),
        then=reverse("registry"),
        about=_(
            "The theme is removed with its settings in all semesters. Its sub themes must be deleted before."
        ),
    )


# Sub themes --------------------------------------------------------------------------------------------------------


@changes
def new_sub_theme(request: PageRequest, theme: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(Theme.objects.all(), uid=theme)
    form = SubThemeForm(request.POST or None)

    def save() -> str:
        made = catalog.create_sub_theme(found, form.values, actor(request))
        return _("“%(name)s” has been created.") % {"name": made}

    title = _("New sub theme of %(name)s") % {"name": found}
    return form_page(request, form, save, title=title, back=reverse("registry-theme", args=[found.uid]))


@changes
def edit_sub_theme(request: PageRequest, sub_theme: uuid.UUID) -> HttpResponse:
    rows = SubTheme.objects.select_related("theme")
    found = get_object_or_404(rows, uid=sub_theme)
    form = SubThemeForm(request.POST or None, instance=get_object_or_404(rows, uid=sub_theme))

    def save() -> str:
        saved = catalog.update_sub_theme(found, form.values, actor(request), form.seen)
        return _("“%(name)s” has been saved.") % {"name": saved}

    title = _("Edit %(name)s") % {"name": found}
    back = reverse("registry-theme", args=[found.theme.uid])
    return form_page(request, form, save, title=title, back=back)


@changes
def delete_sub_theme(request: PageRequest, sub_theme: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(SubTheme.objects.select_related("theme"), uid=sub_theme)
    back = reverse("registry-theme", args=[found.theme.uid])
    return delete_page(
        request,
        found,
        lambda: catalog.delete_sub_theme(found, actor(request)),
        back=back,
        then=back,
        about=_(
            "The sub theme is removed with its settings in all semesters. There must be no course entries for it."
        ),
    )
