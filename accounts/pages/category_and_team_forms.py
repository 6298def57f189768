"""Forms of categories and teams; an error of the verbs is shown beside its field."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.db import transaction
from django.forms import ModelForm
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import categories_and_teams
from accounts.models import Category, Team, User
from audit.record import Actor
from scheduler_site.lib.text import INVISIBLE, INVISIBLE_TEXT

# The field at fault, and why; the first that fits.
REFUSALS: Final[tuple[tuple[type[Exception], str, str | Promise], ...]] = (
    (
        categories_and_teams.NoSlug,
        "name",
        _("The slug is made of the letters a to z and the digits of the name; it has none."),
    ),
    (categories_and_teams.SlugTaken, "name", _("Another one has this name or slug already.")),
    (categories_and_teams.NameIsFixed, "name", _("The category General keeps its name.")),
)


class CatalogForm(ModelForm[Any]):
    """Base of both forms, for the pages and the Django admin."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        self._try(
            lambda: categories_and_teams.readable({name: cleaned.get(name) for name in self.changed_data})
        )
        name = cleaned.get("name", "")
        if not name or (self.instance.pk and "name" not in self.changed_data):
            return cleaned
        # Before the form's values are in it: the row as it is stored.
        stored = type(self.instance).objects.get(pk=self.instance.pk) if self.instance.pk else self.instance
        self._try(lambda: categories_and_teams.slug_of(stored, name, cleaned.get("slug", "")))
        return cleaned

    def store(self, *, by: Actor) -> Any:
        """Saves through the verbs and returns the row; None if the name was taken meanwhile, with an error in the form."""
        values = {field: self.cleaned_data[field] for field in self.changed_data if field != "members"}
        found: list[Any] = []
        # The row and its members, or neither.
        with transaction.atomic():
            self._try(lambda: found.append(self._stored(values, by)))
            if found and "members" in self.changed_data:
                categories_and_teams.set_members(found[0], self.cleaned_data["members"], by=by)
        return found[0] if found else None

    def _stored(self, values: dict[str, Any], by: Actor) -> Any:
        if self.instance.pk:
            return categories_and_teams.change(self.instance, values, by=by)[0]
        return categories_and_teams.add(type(self.instance), values.pop("name"), by=by, **values)

    def _try(self, verb: Any) -> None:
        try:
            verb()
        except categories_and_teams.InvisibleCharacter as refusal:
            said = INVISIBLE if refusal.field == "name" else INVISIBLE_TEXT
            self.add_error(refusal.field, said % {"sign": refusal.sign})
        except (
            categories_and_teams.NoSlug,
            categories_and_teams.SlugTaken,
            categories_and_teams.NameIsFixed,
        ) as refusal:
            field, text = next((field, text) for kind, field, text in REFUSALS if isinstance(refusal, kind))
            self.add_error(field, str(text))


class _PageForm(CatalogForm):
    """The slug can be chosen only when the row is created; afterwards it follows the name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["slug"]
            return
        self.fields["slug"].required = False
        self.fields["slug"].help_text = _("What jobs and programs name it by. Empty: made of the name.")


class CategoryForm(_PageForm):
    class Meta:
        model = Category
        fields = ("name", "slug", "description", "is_active")
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}


class TeamForm(_PageForm):
    class Meta:
        model = Team
        fields = ("name", "slug", "slack_handle", "members", "is_active")
        widgets = {"members": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Those who have left stay until they are unmarked.
        there = User.objects.filter(is_active=True)
        if self.instance.pk:
            there = there | User.objects.filter(teams=self.instance)
        self.fields["members"].queryset = there.distinct().order_by("username")  # type: ignore[attr-defined]
