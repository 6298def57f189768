"""One-line summaries of the folded sections of the job form."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.forms.page import PageJobForm
from jobs.models.fields import FIELDS
from jobs.templatetags.timing import duration
from scheduler_site.lib.text import enumerated

# Options of a select that say nothing by themselves.
NOTHING = ("", None)


def of_form(form: PageJobForm) -> dict[str, str]:
    """By part: `about`, `data`, `after`, `rules`, `mail`."""
    upstream = [row["job"] for row in form.edge_rows if row["job"]]
    addresses = form["notification_emails"].value() or []
    count = len(addresses.split() if isinstance(addresses, str) else addresses)
    mail = ngettext("to %(count)d address", "to %(count)d addresses", count) % {"count": count}
    return {
        "about": enumerated([_chosen(form["category"]), _chosen(form["team"]) or _("no team")]),
        "data": _data(form),
        "after": enumerated(upstream) or _("none"),
        "rules": enumerated(_rules(form)),
        "mail": mail if form["enable_email_notifications"].value() else _("off"),
    }


def _data(form: PageJobForm) -> str:
    names = list(form.instance.secrets) if form.instance.pk and form.instance.secrets else []
    parameters = form["metadata"].value() not in ("", "{}", "null", None)
    told = [_("parameters set") if parameters else _("no parameters")]
    told.append(
        ngettext("%(count)d secret", "%(count)d secrets", len(names)) % {"count": len(names)}
        if names
        else _("no secrets")
    )
    return enumerated(told)


def _rules(form: PageJobForm) -> list[str]:
    """The fields that the page of a job always shows, with what they are set to."""
    shown = []
    for field in FIELDS:
        if field.row and field.always_shown:
            bound = form[field.name]
            value = _chosen(bound) or str(field.nothing and _(field.nothing))
            if field.unit == "seconds" and value.isdecimal():
                value = duration(float(value))
            shown.append(f"{bound.label}: {value}")
    return shown


def _chosen(bound: forms.BoundField) -> str:
    """The value as the reader sees it: of a choice its label."""
    value = bound.value()
    if value in NOTHING:
        return ""
    choices = getattr(bound.field, "choices", None)
    if choices is None:
        return str(value)
    return next((str(label) for key, label in choices if str(key) == str(value)), "")
