"""The pages of what courses entered."""

from __future__ import annotations

import uuid

from django.core.paginator import InvalidPage, Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.pages.request import PageRequest, actor
from themes import queries
from themes.models import ThemeSetting
from themes.verbs import entries as verbs

from .base import changes, delete_page, form_page, may_change, reads
from .forms import CopyEntriesForm, EntryFilter, EntryForm, NewEntryForm, around_now

PAGE_SIZE = 50


def _back(course: str, semester: str) -> str:
    return f"{reverse('registry-entries')}?{urlencode({'semester': semester, 'course': course})}"


@reads
def entries(request: PageRequest) -> HttpResponse:
    form = EntryFilter(request.GET)
    form.is_valid()
    wanted = form.wanted()
    try:
        page = Paginator(queries.entries().filter(**wanted), PAGE_SIZE).page(request.GET.get("page", "1"))
    except InvalidPage as error:
        raise Http404(_("There is no such page.")) from error
    semester = wanted.get("school_year_semester", "")
    context = {
        "form": form,
        "page": page,
        "semesters": queries.semesters(),
        "exported": semester if ThemeSetting.objects.filter(school_year_semester=semester).exists() else "",
        "narrowed": bool(wanted),
        "may_change": may_change(request),
    }
    return render(request, "themes/entries.html", context)


@changes
def new(request: PageRequest) -> HttpResponse:
    place = {
        "course_id": request.GET.get("course", ""),
        "school_year_semester": request.GET.get("semester", ""),
    }
    form = NewEntryForm(request.POST or None, initial=place)

    def save() -> str:
        values = dict(form.values)
        course, semester, sub_theme = (
            values.pop(name) for name in ("course_id", "school_year_semester", "sub_theme")
        )
        entered = verbs.Entered(
            course, semester, sub_theme.theme.theme_code, sub_theme.sub_theme_code, values
        )
        return _("“%(name)s” has been saved.") % {"name": verbs.store(entered, actor(request))}

    asked = {name: request.POST.get(name, place[name]) for name in place}
    back = _back(asked["course_id"], asked["school_year_semester"])
    return form_page(request, form, save, title=_("New course entry"), back=back)


@changes
def edit(request: PageRequest, entry: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(queries.entries(), uid=entry)
    form = EntryForm(request.POST or None, instance=get_object_or_404(queries.entries(), uid=entry))

    def save() -> str:
        saved = verbs.update(found, form.values, actor(request), form.seen)
        return _("“%(name)s” has been saved.") % {"name": saved}

    title = _("Edit %(name)s") % {"name": found}
    back = _back(found.course_id, found.school_year_semester)
    return form_page(request, form, save, title=title, back=back)


@changes
def delete(request: PageRequest, entry: uuid.UUID) -> HttpResponse:
    found = get_object_or_404(queries.entries(), uid=entry)
    back = _back(found.course_id, found.school_year_semester)
    return delete_page(
        request,
        found,
        lambda: verbs.delete(found, actor(request)),
        back=back,
        then=back,
        about=_("The value that the course entered is removed; the audit trail keeps it."),
    )


@changes
def copy(request: PageRequest) -> HttpResponse:
    initial = around_now(timezone.localdate()) | {"course": request.GET.get("course", "")}
    form = CopyEntriesForm(request.POST or None, initial=initial)

    def save() -> str:
        given = form.cleaned_data
        done = verbs.copy(given["course"], given["source"], given["target"], actor(request))
        counts = {"copied": done.copied, "skipped": done.skipped, "deleted": done.deleted}
        text = _("%(copied)d entries copied, %(skipped)d skipped, %(deleted)d old ones replaced.")
        return text % counts

    about = _(
        "What the course entered in the target semester is replaced; only enabled sub themes are copied."
    )
    back = _back(request.POST.get("course", ""), request.POST.get("target", "")[:4])
    return form_page(
        request, form, save, title=_("Copy course entries"), back=back, about=about, button=_("Copy")
    )
