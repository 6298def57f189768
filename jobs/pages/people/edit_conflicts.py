"""Two administrators edit one account, team or category: what the other saved meanwhile, field by field, and the choice.

As for jobs (`jobs/pages/conflicts.py`), but these rows have no versions: the form itself carries what it was filled from.
Nothing is saved before each field that both changed was chosen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from audit.diff import Value
from jobs.pages.conflicts import MINE, THEIRS, Row

# Hidden fields of the form: what it was filled from, and what was stored when its reader was asked to choose.
READ, SEEN = "read", "seen"


@dataclass(frozen=True)
class Conflict:
    rows: list[Row]
    who: str
    seen: str


def read(form: forms.ModelForm[Any]) -> str:
    """What `form` is filled from."""
    return json.dumps({name: _plain(form.initial.get(name)) for name in form.fields}, sort_keys=True)


def settle(form: forms.ModelForm[Any], sent: Mapping[str, Any]) -> Conflict | None:
    """Takes out of the changes of a form, whose instance is as it is stored now, what is to stay as somebody else saved it.

    While something is to be chosen, or the form has other errors, it is not valid.
    """
    if not form.is_valid() or READ not in sent:
        return None
    rows = list(_rows(form, _before(sent[READ]), json.loads(read(form)), sent))
    if all(row.chosen for row in rows) and (not rows or sent.get(SEEN) == read(form)):
        for row in rows:
            if row.chosen == THEIRS and row.name in form.changed_data:
                form.changed_data.remove(row.name)
        return None
    who = str(form.instance.updated_by or _("Somebody"))
    text = _("%(who)s changed this while you were editing it, so nothing has been saved.")
    form.add_error(None, text % {"who": who})
    return Conflict(rows, who, read(form))


def _rows(
    form: forms.ModelForm[Any], before: Mapping[str, Any], stored: Mapping[str, Any], sent: Mapping[str, Any]
) -> Iterator[Row]:
    for name, field in form.fields.items():
        old, theirs, mine = before.get(name), stored[name], _plain(form.cleaned_data[name])
        if theirs == mine or (name in before and old == theirs):
            continue
        usual = THEIRS if name in before and old == mine else ""
        chosen = sent.get(f"choice-{name}", usual)
        label = str(form[name].label)
        shown = Value.of(_shown(field, theirs)), Value.of(_shown(field, mine))
        yield Row(name, label, *shown, chosen if chosen in (MINE, THEIRS) else "")


def _before(text: str) -> Mapping[str, Any]:
    """Nothing, where it is not what a form carries: then every difference is a question."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _plain(value: Any) -> Any:
    """Of a field, from the database or from a form, as JSON has it."""
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, list | QuerySet):
        return sorted(one.pk for one in value)
    return "" if value is None else value


def _shown(field: forms.Field, value: Any) -> str | None:
    if isinstance(field, forms.ModelChoiceField):
        rows: Any = field.queryset
        keys = value if isinstance(value, list) else [value or None]
        named = ", ".join(sorted(map(str, rows.model.objects.filter(pk__in=keys))))
        return named or (str(field.empty_label) if field.empty_label else None)
    if isinstance(field, forms.BooleanField):
        return _("yes") if value else _("no")
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        return str(dict(choices).get(value, value)) or None
    return str(value) or None
