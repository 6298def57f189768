"""The manuals, for whoever is logged in."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from scheduler_site.help import manuals

LONGEST_QUERY = 200


@login_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All manuals; with `q` the sections in which all its words stand."""
    query = request.GET.get("q", "")[:LONGEST_QUERY].strip()
    found = manuals.search(query)
    context = {"shelves": list(manuals.shelves()), "query": query, "found": found, "most": manuals.MOST_FOUND}
    return render(request, "help/index.html", context)


@login_required
@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    if (book := manuals.book(name)) is None:
        raise Http404
    return render(request, "help/page.html", {"book": book, "shelves": list(manuals.shelves())})
