"""What the API's document says of job categories and PIC teams."""

from __future__ import annotations

from typing import Any

from scheduler_site.openapi.schema import (
    FAULTS,
    Route,
    Schema,
    answer,
    body,
    constant,
    flag,
    listing,
    maybe,
    route,
    stamp,
    text,
    uid,
    whole,
)

TAG = "Categories and teams"
NAME = text("The name; another one gives another slug.", maxLength=100)
HANDLE = {"slack_handle": text("How Slack addresses them.", maxLength=100, examples=["@ops"])}


def _row(name: str, about: str, own: dict[str, Schema]) -> Schema:
    return answer(
        name,
        about,
        {
            "id": uid("Its id."),
            "slug": text("What jobs name it by.", examples=["general"]),
            "name": text("What people call it."),
            **own,
            "is_active": flag("Whether new jobs may choose it."),
            "created_at": stamp("When it was made."),
            "updated_at": stamp("When it was last changed."),
        },
    )


def _routes(called: str, key: str, many: str, row: Schema, own: dict[str, Schema]) -> tuple[Route, Route]:
    name = row["x-component"]

    def one(done: str, **more: Schema) -> Any:
        message = constant(f"{called} {done}")
        return answer(f"{name}{done.title()}", "It as it is now.", {"message": message, key: row, **more})

    listed = answer(f"{name}List", "All of them.", {many: listing("By name.", row)})
    rows: Route = {
        "get": route(
            f"list_{many}",
            f"All {many.replace('_', ' ')}",
            TAG,
            {200: ("By name; there are no pages.", listed), 422: ("A boolean that is none.", FAULTS)},
            query={"include_inactive": flag("Disabled ones too; for administrators.", default=False)},
        ),
        "post": route(
            f"create_{key}",
            f"Make a {called}",
            TAG,
            {201: ("The new one.", one("created")), 409: "Another one has this slug."},
            about="For administrators.",
            takes=body(
                f"New{name}",
                "What to make.",
                {
                    "name": NAME,
                    "slug": maybe(text("The slug, where it is not made of the name.", maxLength=100)),
                    **own,
                },
                required=["name", *own],
            ),
        ),
    }
    single: Route = {
        "put": route(
            f"update_{key}",
            f"Change a {called}",
            TAG,
            {
                200: (
                    "As it is now.",
                    one("updated", jobs_updated=whole("How many jobs have a new slug by it.")),
                ),
                409: "Another one has this slug.",
            },
            about="For administrators. `slug` cannot be given: it follows from the name.",
            takes=body(
                f"{name}Changes",
                "What is to be changed.",
                {"name": NAME, **own, "is_active": maybe(flag("Whether new jobs may choose it."))},
            ),
        ),
        "delete": route(
            f"disable_{key}",
            f"Disable a {called}",
            TAG,
            {200: ("It is disabled; jobs keep it.", one("disabled")), 409: "It was changed meanwhile."},
            about="For administrators.",
        ),
    }
    return rows, single


CATEGORIES, CATEGORY = _routes(
    "Category", "category", "categories", _row("Category", "A group of jobs.", {}), {}
)
TEAMS, TEAM = _routes(
    "PIC team", "pic_team", "pic_teams", _row("Team", "The people in charge of jobs.", HANDLE), HANDLE
)
