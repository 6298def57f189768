"""The REST routes of job categories and PIC teams (wire facts, section 10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Generic, Literal, NotRequired, TypedDict, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.db.models.functions import Lower
from rest_framework.request import Request

from accounts import categories_and_teams
from accounts.models import LONGEST_NAME, Category, Team
from accounts.rest.permissions import Needs, account, needs
from audit.record import Actor
from scheduler_site.openapi.route import route
from scheduler_site.rest import etags
from scheduler_site.rest.answers import Answer, Created
from scheduler_site.rest.parameters import CHANGED, IF_MATCH, Flag
from scheduler_site.rest.schema_types import Rules, Stamp, Uid
from scheduler_site.rest.views import ApiError, ApiView, as_uuid, timestamp

SURFACE = "api"
Row = TypeVar("Row", Category, Team)
T = TypeVar("T")
INACTIVE = Flag("include_inactive", "Disabled ones too; for administrators.")
NOT_BOOLEAN = {422: "`include_inactive` is not a boolean."}
SLUG_TAKEN = {409: "Another one has this slug."}
CHANGED_MEANWHILE = {409: "It was changed meanwhile."}
Name = Annotated[str, "The name; another one gives another slug.", Rules(maxLength=LONGEST_NAME)]
Handle = Annotated[str, "How Slack addresses them.", Rules(maxLength=LONGEST_NAME, examples=["@ops"])]
Active = Annotated[bool | None, "Whether new jobs may choose it."]
Moved = Annotated[int, "How many jobs follow it to a new slug."]


class _Row(TypedDict):
    id: Annotated[Uid, "Its id."]
    slug: Annotated[str, "What jobs name it by.", Rules(examples=["general"])]
    name: Annotated[str, "What people call it."]
    is_active: Annotated[bool, "Whether new jobs may choose it."]
    created_at: Annotated[Stamp, "When it was made."]
    updated_at: Annotated[Stamp, "When it was last changed."]


class CategoryJson(_Row):
    """A group of jobs."""


class TeamJson(_Row):
    """The people in charge of jobs."""

    slack_handle: Handle


class CategoryList(TypedDict):
    """All of them."""

    categories: Annotated[list[CategoryJson], "By name."]


class TeamList(TypedDict):
    """All of them."""

    pic_teams: Annotated[list[TeamJson], "By name."]


class CategoryCreated(TypedDict):
    """The category as it is now."""

    message: Literal["Category created"]
    category: CategoryJson


class CategoryUpdated(TypedDict):
    """The category as it is now."""

    message: Literal["Category updated"]
    category: CategoryJson
    jobs_updated: Moved


class CategoryDisabled(TypedDict):
    """The category as it is now."""

    message: Literal["Category disabled"]
    category: CategoryJson


class TeamCreated(TypedDict):
    """The team as it is now."""

    message: Literal["PIC team created"]
    pic_team: TeamJson


class TeamUpdated(TypedDict):
    """The team as it is now."""

    message: Literal["PIC team updated"]
    pic_team: TeamJson
    jobs_updated: Moved


class TeamDisabled(TypedDict):
    """The team as it is now."""

    message: Literal["PIC team disabled"]
    pic_team: TeamJson


class NewCategory(TypedDict):
    """What to make."""

    name: Name
    slug: NotRequired[
        Annotated[str | None, "The slug, where it is not made of the name.", Rules(maxLength=LONGEST_NAME)]
    ]


class NewTeam(NewCategory):
    """What to make."""

    slack_handle: Handle


class CategoryChanges(TypedDict, total=False):
    """What is to be changed."""

    name: Name
    is_active: Active


class TeamChanges(CategoryChanges, total=False):
    """What is to be changed."""

    slack_handle: Handle


def category_json(row: Category) -> CategoryJson:
    return _row_json(row)


def team_json(row: Team) -> TeamJson:
    return {**_row_json(row), "slack_handle": row.slack_handle}


def _row_json(row: Category | Team) -> _Row:
    return {
        "id": str(row.uid),
        "slug": row.slug,
        "name": row.name,
        "is_active": row.is_active,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


def _rights(model: str) -> dict[str, type[Needs]]:
    verbs = {"POST": "add", "PUT": "change", "DELETE": "delete"}
    return {method: needs(f"accounts.{verb}_{model}") for method, verb in verbs.items()}


class _Catalog(ApiView, Generic[Row]):
    """What the views of both kinds of row share."""

    tag = "Categories and teams"
    model: ClassVar[Any]
    called: ClassVar[str]
    # Texts that a row must have beside its name.
    texts: ClassVar[tuple[str, ...]] = ()

    def rows(self) -> QuerySet[Row]:
        """All that are active, by name; for administrators who ask for it the others too."""
        everything = INACTIVE.of(self.request.query_params) and self.may_see_all()
        rows: QuerySet[Row] = self.model.objects.order_by(Lower("name"), "pk")
        return rows if everything else rows.filter(is_active=True)

    def may_see_all(self) -> bool:
        return account(self.request).has_perm(f"accounts.view_{self.model._meta.model_name}")

    def row(self, row_id: str) -> Row:
        uid = as_uuid(row_id)
        row: Row | None = self.model.objects.filter(uid=uid).first() if uid else None
        if row is None:
            raise ApiError(404, "Not found", f"There is no {self.called} with this id.")
        return row

    def create(self) -> Row:
        """400, 409."""
        body = self.payload()
        values = {key: text(body, key) for key in ("name", "slug", *self.texts)}
        if missing := [key for key in ("name", *self.texts) if not values[key]]:
            told = f"Missing: {', '.join(missing)}."
            raise ApiError(400, "Missing required fields", told, missing_fields=missing)
        by = Actor.request(self.request, SURFACE)
        row: Row = refusals_as_answers(lambda: categories_and_teams.add(self.model, **values, by=by))
        return row

    def change(self, row_id: str) -> tuple[Row, int]:
        """The row, and how many jobs follow it to a new slug. 400, 404, 409."""
        row = self.row(row_id)
        body = self.payload()
        if "slug" in body:
            raise ApiError(400, "Invalid payload", "The slug follows from the name.")
        values: dict[str, Any] = {key: text(body, key) for key in ("name", *self.texts) if key in body}
        if blank := next((key for key, value in values.items() if not value), ""):
            raise ApiError(400, f"Invalid {blank}", f"{blank} must not be empty.")
        if (active := body.get("is_active")) is not None:
            if not isinstance(active, bool):
                raise ApiError(400, "Invalid is_active", "Write true or false.")
            values["is_active"] = active
        by = Actor.request(self.request, SURFACE)
        with etags.unchanged(self.request, self.model.objects.filter(pk=row.pk)):
            return refusals_as_answers(lambda: categories_and_teams.change(row, values, by=by))

    def disable(self, row_id: str) -> Row:
        """404, 409."""
        row = self.row(row_id)
        by = Actor.request(self.request, SURFACE)
        with etags.unchanged(self.request, self.model.objects.filter(pk=row.pk)):
            return refusals_as_answers(lambda: categories_and_teams.change(row, {"is_active": False}, by=by))[
                0
            ]


class CategoriesView(_Catalog[Category]):
    model, called = Category, "Category"
    method_permissions = _rights("category")

    @route("list_categories", "By name; there are no pages.", NOT_BOOLEAN, query=[INACTIVE])
    def get(self, request: Request) -> Answer[CategoryList]:
        """All categories."""
        return Answer({"categories": [category_json(row) for row in self.rows()]})

    @route("create_category", "The new one.", SLUG_TAKEN, request=NewCategory)
    def post(self, request: Request) -> Created[CategoryCreated]:
        """Make a Category.

        For administrators.
        """
        return Created({"message": "Category created", "category": category_json(self.create())})


class CategoryView(_Catalog[Category]):
    model, called = Category, "Category"
    method_permissions = _rights("category")

    @route(
        "update_category", "As it is now.", SLUG_TAKEN | CHANGED, headers=[IF_MATCH], request=CategoryChanges
    )
    def put(self, request: Request, row_id: str) -> Answer[CategoryUpdated]:
        """Change a Category.

        For administrators. `slug` cannot be given: it follows from the name.
        """
        row, moved = self.change(row_id)
        return etags.tagged(
            Answer({"message": "Category updated", "category": category_json(row), "jobs_updated": moved}),
            row,
        )

    @route(
        "disable_category", "It is disabled; jobs keep it.", CHANGED_MEANWHILE | CHANGED, headers=[IF_MATCH]
    )
    def delete(self, request: Request, row_id: str) -> Answer[CategoryDisabled]:
        """Disable a Category.

        For administrators.
        """
        return Answer({"message": "Category disabled", "category": category_json(self.disable(row_id))})


class TeamsView(_Catalog[Team]):
    model, called, texts = Team, "PIC team", ("slack_handle",)
    method_permissions = _rights("team")

    @route("list_pic_teams", "By name; there are no pages.", NOT_BOOLEAN, query=[INACTIVE])
    def get(self, request: Request) -> Answer[TeamList]:
        """All PIC teams."""
        return Answer({"pic_teams": [team_json(row) for row in self.rows()]})

    @route("create_pic_team", "The new one.", SLUG_TAKEN, request=NewTeam)
    def post(self, request: Request) -> Created[TeamCreated]:
        """Make a PIC team.

        For administrators.
        """
        return Created({"message": "PIC team created", "pic_team": team_json(self.create())})


class TeamView(_Catalog[Team]):
    model, called, texts = Team, "PIC team", ("slack_handle",)
    method_permissions = _rights("team")

    @route("update_pic_team", "As it is now.", SLUG_TAKEN | CHANGED, headers=[IF_MATCH], request=TeamChanges)
    def put(self, request: Request, row_id: str) -> Answer[TeamUpdated]:
        """Change a PIC team.

        For administrators. `slug` cannot be given: it follows from the name.
        """
        row, moved = self.change(row_id)
        return etags.tagged(
            Answer({"message": "PIC team updated", "pic_team": team_json(row), "jobs_updated": moved}), row
        )

    @route(
        "disable_pic_team", "It is disabled; jobs keep it.", CHANGED_MEANWHILE | CHANGED, headers=[IF_MATCH]
    )
    def delete(self, request: Request, row_id: str) -> Answer[TeamDisabled]:
        """Disable a PIC team.

        For administrators.
        """
        return Answer({"message": "PIC team disabled", "pic_team": team_json(self.disable(row_id))})


def text(body: dict[str, Any], key: str) -> str:
    """A text of at most 100 characters, trimmed; null and absent are empty. 400."""
    value = body.get(key)
    if value is not None and (not isinstance(value, str) or len(value.strip()) > LONGEST_NAME):
        raise ApiError(400, f"Invalid {key}", f"Write a text of at most {LONGEST_NAME} characters.")
    return (value or "").strip()


def refusals_as_answers(verb: Callable[[], T]) -> T:
    """The result of a verb; its exceptions become 400 and 409."""
    try:
        return verb()
    except ObjectDoesNotExist as error:
        raise ApiError(404, "Not found", "Somebody has removed it.") from error
    except categories_and_teams.InvisibleCharacter as error:
        told = f"{error.field} contains an invisible character ({error.sign})."
        raise ApiError(400, f"Invalid {error.field}", told) from error
    except categories_and_teams.NoSlug as error:
        raise ApiError(400, "Invalid slug", "Use letters from a to z or digits, or give a slug.") from error
    except categories_and_teams.SlugTaken as error:
        raise ApiError(409, "Duplicate slug", "Another one has this slug.") from error
    except categories_and_teams.NameIsFixed as error:
        raise ApiError(400, "Invalid category", "The category general cannot be renamed.") from error
