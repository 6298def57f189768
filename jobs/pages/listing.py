"""The list of jobs: one search box, tabs with counts, columns to sort by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.contrib.auth.decorators import login_required
from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from accounts.models import Category
from accounts.pages.request import PageRequest
from accounts.pages.time_zone import zone_of_reader
from accounts.roles import home_category
from jobs.models import Job, JobQuerySet
from jobs.pages import tab_counts
from jobs.pages.rows import rows_of
from jobs.schedule_text.moments import Moments
from jobs.search.matching import SORTS, TABS, Search, in_order
from jobs.search.query import STATES, with_word
from scheduler_site.lib import clock
from scheduler_site.lib.database.paging import Capped

PAGE_SIZE = 50
# Found by a search: so few are named to the database one by one.
FEW = 500
# How the list was sorted last, by whom: kept by the browser, since a look must change nothing here.
COOKIE, COOKIE_SECONDS = "jobs-sort", 366 * 86_400
USUAL = "name"
LABELS: dict[str, str | Promise] = {
    "": gettext_lazy("All"),
    "failing": gettext_lazy("Failing"),
    "paused": gettext_lazy("Paused"),
    "late": gettext_lazy("Late"),
    "mine": gettext_lazy("Mine"),
}
COLUMNS: list[tuple[str, str | Promise]] = [
    ("name", gettext_lazy("Name")),
    ("", gettext_lazy("Last runs")),
    ("", gettext_lazy("Schedule")),
    ("next", gettext_lazy("Next run")),
    ("team", gettext_lazy("Team")),
    ("owner", gettext_lazy("Owner")),
    ("category", gettext_lazy("Category")),
]
# The addresses of before the search box had words for it.
FORMER = {"state": "is", "kind": "kind", "owner": "owner"}


@dataclass(frozen=True)
class Verb:
    """For all that are marked; what it does is in executions/bulk. The dots say that it asks for more first."""

    name: str
    label: str | Promise
    icon: str
    permission: str


VERBS = (
    Verb("run", gettext_lazy("Run"), "run", "jobs.run_job"),
    Verb("pause", gettext_lazy("Pause…"), "paused", "jobs.change_job"),
    Verb("resume", gettext_lazy("Resume"), "resume", "jobs.change_job"),
    Verb("owner", gettext_lazy("Owner…"), "user", "jobs.change_all_jobs"),
    Verb("team", gettext_lazy("Team…"), "user", "jobs.change_job"),
    Verb("category", gettext_lazy("Category…"), "edit", "jobs.change_job"),
    Verb("delete", gettext_lazy("Delete…"), "delete", "jobs.delete_job"),
)


@dataclass(frozen=True)
class Tab:
    name: str
    label: str | Promise
    count: int
    # There are more: they were not counted to the end.
    is_more: bool
    current: bool
    query: str


@dataclass(frozen=True)
class Column:
    """`query` sorts by it; the other way round where the list is sorted by it already."""

    name: str
    label: str | Promise
    query: str = ""
    sorted: str = ""


class Listing:
    """What of the jobs a request asks for."""

    def __init__(self, request: PageRequest) -> None:
        self.request, self.user = request, request.user
        self.text = asked_for(request)
        tab = request.GET.get("tab", "")
        self.tab = tab if tab in TABS else ""
        self.search = Search.read(self.text, request.user)

    @cached_property
    def matching(self) -> JobQuerySet:
        """Of all tabs. What is found may have been looked for in all jobs, so if it is little, all else is asked of that."""
        jobs = Job.objects.visible_to(self.user)
        if not self.search.query:
            return jobs
        found = self.search.found(jobs)
        keys = list(found.order_by().values_list("pk", flat=True)[: FEW + 1])
        return found if len(keys) > FEW else jobs.filter(pk__in=keys)

    @cached_property
    def found(self) -> JobQuerySet:
        return self.matching.filter(self.search.state(self.tab)) if self.tab else self.matching

    @cached_property
    def sort(self) -> str:
        asked = self.request.GET.get("sort", "")
        if asked in SORTS:
            return asked
        owner, _sign, kept = self.request.COOKIES.get(COOKIE, "").partition(".")
        return kept if kept in SORTS and owner == str(self.user.pk) else USUAL

    @cached_property
    def counts(self) -> dict[str, int]:
        return tab_counts.of(self.search, self.matching)

    def tabs(self) -> list[Tab]:
        return [
            Tab(
                name,
                label,
                min(self.counts[name], tab_counts.MOST),
                self.counts[name] > tab_counts.MOST,
                name == self.tab,
                self.query(tab=name or None, page=None),
            )
            for name, label in LABELS.items()
        ]

    def columns(self) -> list[Column]:
        return [self._column(name, label) for name, label in COLUMNS]

    def _column(self, name: str, label: str | Promise) -> Column:
        if not name:
            return Column(name, label)
        turned = f"-{name}" if self.sort == name else name
        direction = {name: "ascending", f"-{name}": "descending"}.get(self.sort, "")
        return Column(name, label, self.query(sort=turned, page=None), direction)

    def query(self, **changes: str | None) -> str:
        """The query of this list with changes; `None` takes a part away."""
        values = self.request.GET.copy()
        for name in (*FORMER, "category"):
            values.pop(name, None)
        values["q"] = self.text
        for name, value in changes.items():
            values.pop(name, None)
            if value is not None:
                values[name] = value
        if not values.get("q"):
            values.pop("q", None)
        return values.urlencode()


def asked_for(request: HttpRequest) -> str:
    """What stands in the search box, with what an address of before asks for."""
    text = request.GET.get("q", "").replace("\0", "")
    for name, key in FORMER.items():
        value = request.GET.get(name, "")
        value = {"broken": "invalid"}.get(value, value)
        if value.isascii() and value.replace("_", "").isalnum():
            text = with_word(text, key, value)
    key = request.GET.get("category", "")
    if key.isascii() and key.isdigit() and len(key) < 10:
        found = Category.objects.filter(pk=key).first()
        if found and home_category(request.user) in (None, found.pk):  # type: ignore[arg-type]
            text = with_word(text, "category", found.name)
    return text


@login_required
@require_GET
@vary_on_headers("HX-Target")
def jobs(request: PageRequest) -> HttpResponse:
    """The whole page, or the list alone, which asks for itself again."""
    listing = Listing(request)
    counted = listing.counts[listing.tab]
    pages = Capped(in_order(listing.found, listing.sort), PAGE_SIZE, counted=counted)
    try:
        page = pages.page(request.GET.get("page", "1"))
    except InvalidPage as error:
        raise Http404(_("There is no such page.")) from error
    moments = Moments(zone_of_reader(request), clock.shown())
    context = {
        "listing": listing,
        "tabs": listing.tabs(),
        "columns": listing.columns(),
        "page": page,
        "pages": {"query": listing.query(page=None)},
        "rows": rows_of(cast("JobQuerySet", page.object_list), request.user, moments),
        "moments": moments,
        "here": request.get_full_path(),
        "narrowed": bool(listing.text or listing.tab),
        "states": STATES,
        "verbs": [verb for verb in VERBS if request.user.has_perm(verb.permission)],
    }
    alone = request.htmx and request.htmx.target == "list" and not request.htmx.history_restore_request
    response = render(request, "jobs/_list.html" if alone else "jobs/list.html", context)
    if request.GET.get("sort") in SORTS:
        response.set_cookie(
            COOKIE,
            f"{request.user.pk}.{listing.sort}",
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="Lax",
        )
    return response
