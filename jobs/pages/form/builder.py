"""The schedule builder beside the field of the expression: it writes one, and reads back what was written by hand."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.pages.request import PageRequest
from jobs.forms.builder import BuilderForm
from jobs.forms.page import PageJobForm

# Two buttons of the form for browsers without JavaScript: one writes the expression of the builder, one takes a suggestion.
BUTTON, SUGGESTED = "build", "suggested"


@login_required
@require_GET
def build(request: PageRequest) -> HttpResponse:
    """With `expression` the builder as it says it; else the field of the expression, as the builder's fields write it."""
    if "expression" in request.GET:
        form = BuilderForm(expression=request.GET["expression"])
        return render(request, "jobs/_builder.html", {"builder": form})
    form = BuilderForm(request.GET)
    if not form.is_valid():
        return HttpResponse(status=204)  # half a plan: the expression stays until it is whole
    if not form.expression:
        return HttpResponse(status=204)
    whole = PageJobForm(user=request.user, initial={"expression": form.expression})
    response = render(request, "includes/field.html", {"field": whole["expression"]})
    response["HX-Trigger-After-Settle"] = "rebuilt"
    return response


def with_expression(sent: QueryDict) -> QueryDict:
    """What was sent, with the expression of the builder or of a suggestion where that button was pressed."""
    expression = sent.get(SUGGESTED, "")
    if BUTTON in sent and (form := BuilderForm(sent)).is_valid():
        expression = form.expression
    if not expression:
        return sent
    changed = sent.copy()
    changed["expression"] = expression
    return changed


def shown(sent: QueryDict | None, expression: str) -> BuilderForm:
    """The builder of a page: as it was sent, where its button was pressed, else as the expression says it."""
    return BuilderForm(sent) if sent is not None and BUTTON in sent else BuilderForm(expression=expression)
