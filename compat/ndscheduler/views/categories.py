"""`/categories`."""

from __future__ import annotations

from typing import Any, NoReturn

from django.http import HttpRequest

from accounts import categories_and_teams
from accounts.models import Category
from compat.ndscheduler import wire
from compat.ndscheduler.identifiers import ALL, ALL_NAME, Numbers, number
from compat.ndscheduler.views.base import Refusal, V1View, refuse
from jobs.models import Job

LONGEST = 50
LONGEST_DESCRIPTION = 10_000
TAKEN = "Category name already exists"


class CategoriesBase(V1View):
    def _deleted(self, name: str, *, but: Category | None = None) -> Category | None:
        """The deleted category of this name, or none. 400 while another one has it."""
        found = self.numbers.named(name, but=but)
        if name.casefold() == ALL_NAME or (found and found.is_active):
            refuse(400, TAKEN)
        return found


class CategoriesView(CategoriesBase):
    """GET all categories; POST a new one (400, 403)."""

    needs = {"POST": "accounts.add_category"}

    def get(self, request: HttpRequest) -> dict[str, Any]:
        general = self.numbers.general
        rows = [wire.category_json(key, row) for key, row in self.numbers.active()]
        return {"categories": [wire.all_json(general), *rows]}

    def post(self, request: HttpRequest) -> tuple[int, dict[str, Any]]:
        values = _values(self.body())
        name = values["name"]
        gone = self._deleted(name)
        try:
            # One that was deleted comes back: what pointed to it still does.
            if gone:
                categories_and_teams.change(gone, values | {"is_active": True, "slug": gone.slug}, by=self.by)
                return 201, {"id": self.numbers.of(gone.pk)}
            slug = self.numbers.free_slug(name)
            row = categories_and_teams.add(
                Category, name, slug=slug, description=values["description"], by=self.by
            )
        except categories_and_teams.InvisibleCharacter as error:
            raise _unreadable(error) from error
        except (
            categories_and_teams.SlugTaken,
            categories_and_teams.NoSlug,
            categories_and_teams.NameIsFixed,
        ) as error:
            raise Refusal(400, TAKEN) from error
        return 201, {"id": Numbers().of(row.pk)}


class CategoryView(CategoriesBase):
    """GET, PUT and DELETE one category; 404 for an unknown or invalid id."""

    needs = {"PUT": "accounts.change_category", "DELETE": "accounts.delete_category"}

    def get(self, request: HttpRequest, category_id: str) -> wire.ShownCategory:
        key = number(category_id)
        if key == ALL:
            return wire.all_json(self.numbers.general)
        return wire.category_json(key or 0, self._row(category_id))

    def put(self, request: HttpRequest, category_id: str) -> dict[str, Any]:
        row = self._row(category_id)
        values = _values(self.body())
        if values["name"] != row.name:
            self._deleted(values["name"], but=row)
            values["slug"] = self.numbers.free_slug(values["name"], but=row)
        try:
            categories_and_teams.change(row, values, by=self.by)
        except categories_and_teams.InvisibleCharacter as error:
            raise _unreadable(error) from error
        except (categories_and_teams.SlugTaken, categories_and_teams.NoSlug) as error:
            raise Refusal(400, TAKEN) from error
        except categories_and_teams.NameIsFixed as error:
            raise Refusal(400, "This category keeps its name") from error
        return {"id": self.numbers.of(row.pk)}

    def delete(self, request: HttpRequest, category_id: str) -> dict[str, Any]:
        """Taken out of use, since the history of its jobs points to it; 400 while jobs or accounts are in it."""
        row = self._row(category_id)
        if row == self.numbers.general or row.users.exists() or Job.objects.filter(category=row).exists():
            refuse(400, "Category is in use")
        categories_and_teams.change(row, {"is_active": False}, by=self.by)
        return {"id": self.numbers.of(row.pk)}

    def _row(self, category_id: str) -> Category:
        key = number(category_id)
        if key == ALL and self.request.method != "GET":
            refuse(400, "Category 0 cannot be changed")
        return self.numbers.find(key) or self._unknown()

    def _unknown(self) -> NoReturn:
        refuse(404, "Category not found")


def _unreadable(error: categories_and_teams.InvisibleCharacter) -> Refusal:
    return Refusal(400, f"{error.field.capitalize()} contains an invisible character ({error.sign})")


def _values(body: dict[str, Any]) -> dict[str, Any]:
    """Name and description; an omitted description is empty. 400."""
    name, description = body.get("name"), body.get("description")
    if not isinstance(name, str) or not name.strip():
        refuse(400, "Name is required")
    if len(name.strip()) > LONGEST:
        refuse(400, f"Name has more than {LONGEST} characters")
    if description is not None and not isinstance(description, str):
        refuse(400, "Description must be a text")
    if len(description or "") > LONGEST_DESCRIPTION:
        refuse(400, f"Description has more than {LONGEST_DESCRIPTION} characters")
    return {"name": name.strip(), "description": description or ""}
