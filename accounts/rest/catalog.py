"""The REST routes of job categories and PIC teams (wire facts, section 10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db.models.functions import Lower
from drf_spectacular.utils import extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import catalog
from accounts.models import LONGEST_NAME, Category, Team
from accounts.permissions import AdminOnly, account
from accounts.rest import catalog_schema as schema
from audit.record import By
from scheduler_site.rest.views import ApiError, ApiView, as_uuid, boolean, timestamp

SURFACE = "api"
Row = TypeVar("Row", Category, Team)
T = TypeVar("T")


def row_json(row: Category | Team) -> dict[str, Any]:
    own = {"slack_handle": row.slack_handle} if isinstance(row, Team) else {}
    return {
        "id": str(row.uid),
        "slug": row.slug,
        "name": row.name,
        **own,
        "is_active": row.is_active,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


class _Catalog(ApiView, Generic[Row]):
    """What the views of both kinds of row share: the model, and its names on the wire."""

    model: ClassVar[Any]
    one: ClassVar[str]
    many: ClassVar[str]
    called: ClassVar[str]
    # Texts that a row must have beside its name.
    texts: ClassVar[tuple[str, ...]] = ()

    def answer(self, done: str, row: Row, **more: Any) -> dict[str, Any]:
        return {"message": f"{self.called} {done}", self.one: row_json(row), **more}

    def row(self, row_id: str) -> Row:
        uid = as_uuid(row_id)
        row: Row | None = self.model.objects.filter(uid=uid).first() if uid else None
        if row is None:
            raise ApiError(404, "Not found", f"There is no {self.called} with this id.")
        return row


class _Rows(_Catalog[Row]):
    """GET all that are active, by name (administrators: `include_inactive` for all); POST a new one. 400, 403, 409."""

    method_permissions = {"POST": AdminOnly}

    def get(self, request: Request) -> Response:
        everything = boolean(request.query_params, "include_inactive") and account(request).is_admin
        rows = self.model.objects.order_by(Lower("name"), "pk")
        found = rows if everything else rows.filter(is_active=True)
        return Response({self.many: [row_json(row) for row in found]})

    def post(self, request: Request) -> Response:
        body = self.payload()
        values = {key: text(body, key) for key in ("name", "slug", *self.texts)}
        if missing := [key for key in ("name", *self.texts) if not values[key]]:
            told = f"Missing: {', '.join(missing)}."
            raise ApiError(400, "Missing required fields", told, missing_fields=missing)
        by = By.request(request, SURFACE)
        row: Row = told_apart(lambda: catalog.add(self.model, **values, by=by))
        return Response(self.answer("created", row), status=201)


class _OneRow(_Catalog[Row]):
    """PUT changes name and state, DELETE disables; for administrators. 400, 403, 404, 409."""

    method_permissions = {"PUT": AdminOnly, "DELETE": AdminOnly}

    def put(self, request: Request, row_id: str) -> Response:
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
        by = By.request(request, SURFACE)
        changed, moved = told_apart(lambda: catalog.change(row, values, by=by))
        return Response(self.answer("updated", changed, jobs_updated=moved))

    def delete(self, request: Request, row_id: str) -> Response:
        row = self.row(row_id)
        by = By.request(request, SURFACE)
        disabled, _moved = told_apart(lambda: catalog.change(row, {"is_active": False}, by=by))
        return Response(self.answer("disabled", disabled))


@extend_schema_view(**schema.CATEGORIES)
class CategoriesView(_Rows[Category]):
    model, one, many, called = Category, "category", "categories", "Category"


@extend_schema_view(**schema.CATEGORY)
class CategoryView(_OneRow[Category]):
    model, one, many, called = Category, "category", "categories", "Category"


@extend_schema_view(**schema.TEAMS)
class TeamsView(_Rows[Team]):
    model, one, many, called, texts = Team, "pic_team", "pic_teams", "PIC team", ("slack_handle",)


@extend_schema_view(**schema.TEAM)
class TeamView(_OneRow[Team]):
    model, one, many, called, texts = Team, "pic_team", "pic_teams", "PIC team", ("slack_handle",)


def text(body: dict[str, Any], key: str) -> str:
    """A text of at most 100 characters, trimmed; null and absent are empty. 400."""
    value = body.get(key)
    if value is not None and (not isinstance(value, str) or len(value.strip()) > LONGEST_NAME):
        raise ApiError(400, f"Invalid {key}", f"Write a text of at most {LONGEST_NAME} characters.")
    return (value or "").strip()


def told_apart(verb: Callable[[], T]) -> T:
    """What the verb gives; its refusals as answers."""
    try:
        return verb()
    except ObjectDoesNotExist as error:
        raise ApiError(404, "Not found", "Somebody has removed it.") from error
    except catalog.NoSlug as error:
        raise ApiError(400, "Invalid slug", "Use letters from a to z or digits, or give a slug.") from error
    except catalog.SlugTaken as error:
        raise ApiError(409, "Duplicate slug", "Another one has this slug.") from error
    except catalog.Fixed as error:
        raise ApiError(400, "Invalid category", "The category general cannot be renamed.") from error
