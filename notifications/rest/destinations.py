"""The REST routes of the destinations of alerts; for administrators."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from django.db import transaction
from rest_framework.request import Request

from accounts.rest.permissions import needs
from audit.record import Actor
from notifications.channels import WITH_DESTINATIONS
from notifications.destinations import verbs
from notifications.destinations.form import PREFIX, DestinationForm, masked, shown
from notifications.models import Destination
from scheduler_site.openapi.route import route
from scheduler_site.rest import etags
from scheduler_site.rest.answers import Answer, Created
from scheduler_site.rest.parameters import CHANGED, IF_MATCH
from scheduler_site.rest.schema_types import Rules, Stamp, Uid
from scheduler_site.rest.views import ApiError, ApiView, as_uuid, timestamp

SURFACE = "api"
Settings = Annotated[
    dict[str, str],
    "What the channel needs. `slack`, `teams`, `discord`: `webhook_url`; `slack` also `channel`; `pagerduty`: "
    "`routing_key`, `url`; `webhook`: `url`, `key`. Secrets are shown masked, and stay when they are sent back so.",
]
ChannelName = Annotated[
    Literal["slack", "teams", "discord", "pagerduty", "webhook"], "By which service; it cannot be changed."
]
Name = Annotated[str, "What people call it; no other has the same.", Rules(maxLength=100)]
Enabled = Annotated[bool, "Whether anything is sent there."]
Default = Annotated[
    bool, "Whether it hears of jobs for which neither the job nor its team names destinations."
]
Teams = Annotated[list[str], "The slugs of the teams whose jobs it hears of."]


class DestinationJson(TypedDict):
    """A place that messages of one channel go to."""

    id: Annotated[Uid, "Its id."]
    slug: Annotated[str, "By which jobs name it; it never changes."]
    name: Name
    channel: ChannelName
    is_enabled: Enabled
    is_default: Default
    teams: Teams
    settings: Settings
    created_at: Annotated[Stamp, "When it was made."]
    updated_at: Annotated[Stamp, "When it was last changed."]


class DestinationChanges(TypedDict, total=False):
    """What is to be changed."""

    name: Name
    is_enabled: Enabled
    is_default: Default
    teams: Teams
    settings: Settings


class NewDestination(TypedDict):
    """What to make."""

    name: Name
    channel: ChannelName
    settings: Settings
    is_enabled: NotRequired[Enabled]
    is_default: NotRequired[Default]
    teams: NotRequired[Teams]


class DestinationList(TypedDict):
    """All of them."""

    destinations: Annotated[list[DestinationJson], "By name."]


class OneDestination(TypedDict):
    """The destination as it is now."""

    destination: DestinationJson


class DestinationDeleted(TypedDict):
    """A confirmation."""

    message: Literal["Destination deleted"]


class DestinationTested(TypedDict):
    """A confirmation."""

    message: Literal["Test message sent"]


def destination_json(row: Destination) -> DestinationJson:
    settings = {one.name: masked(one, row) for one in WITH_DESTINATIONS[row.channel].fields}
    channel: Any = row.channel
    return {
        "id": str(row.uid),
        "slug": row.slug,
        "name": row.name,
        "channel": channel,
        "is_enabled": row.is_enabled,
        "is_default": row.is_default,
        "teams": sorted(team.slug for team in row.teams.all()),
        "settings": settings,
        "created_at": timestamp(row.created_at),
        "updated_at": timestamp(row.updated_at),
    }


class _Destinations(ApiView):
    tag = "Destinations of alerts"
    method_permissions = dict.fromkeys(
        ("GET", "POST", "PUT", "DELETE"), needs("notifications.change_destination")
    )

    def row(self, destination_id: str) -> Destination:
        uid = as_uuid(destination_id)
        rows = Destination.objects.filter(channel__in=WITH_DESTINATIONS)
        row = rows.filter(uid=uid).first() if uid else None
        if row is None:
            raise ApiError(404, "Not found", "There is no destination with this id.")
        return row


class DestinationsView(_Destinations):
    @route("list_destinations", "All of them.")
    def get(self, request: Request) -> Answer[DestinationList]:
        """The destinations of alerts.

        For administrators.
        """
        rows = Destination.objects.filter(channel__in=WITH_DESTINATIONS).prefetch_related("teams")
        return Answer({"destinations": [destination_json(row) for row in rows]})

    @route("create_destination", "The new destination.", request=NewDestination)
    def post(self, request: Request) -> Created[OneDestination]:
        """Make a destination.

        For administrators.
        """
        body = self.payload()
        channel = body.get("channel")
        if not isinstance(channel, str) or channel not in WITH_DESTINATIONS:
            known = ", ".join(WITH_DESTINATIONS)
            raise ApiError(400, "Invalid destination", f"channel must be one of: {known}.")
        row = _saved(Destination(channel=channel), body, request)
        return etags.tagged(Created[OneDestination]({"destination": destination_json(row)}), row)


class DestinationView(_Destinations):
    @route("get_destination", "As it is.")
    def get(self, request: Request, destination_id: str) -> Answer[OneDestination]:
        """A destination.

        For administrators.
        """
        row = self.row(destination_id)
        return etags.tagged(Answer[OneDestination]({"destination": destination_json(row)}), row)

    @route("update_destination", "As it is now.", CHANGED, headers=[IF_MATCH], request=DestinationChanges)
    def put(self, request: Request, destination_id: str) -> Answer[OneDestination]:
        """Change a destination.

        For administrators. What is not named stays.
        """
        body = self.payload()
        with transaction.atomic():
            found = self.row(destination_id)
            row = Destination.objects.select_for_update().get(pk=found.pk)
            etags.require(request, row)
            row = _saved(row, body, request)
        return etags.tagged(Answer[OneDestination]({"destination": destination_json(row)}), row)

    @route("delete_destination", "It is gone.")
    def delete(self, request: Request, destination_id: str) -> Answer[DestinationDeleted]:
        """Remove a destination.

        For administrators. Jobs and teams that chose it are told of where else they chose, or at the default destinations.
        """
        verbs.delete(self.row(destination_id), by=Actor.request(request, SURFACE))
        return Answer({"message": "Destination deleted"})


class DestinationTestView(_Destinations):
    @route("test_destination", "The service has taken it.", {502: "It has not; `message` says why."})
    def post(self, request: Request, destination_id: str) -> Answer[DestinationTested]:
        """Send a test message to a destination.

        For administrators.
        """
        alert = verbs.test(self.row(destination_id))
        if alert.last_error:
            raise ApiError(502, "Not delivered", alert.last_error)
        return Answer({"message": "Test message sent"})


def _saved(row: Destination, body: dict[str, Any], request: Request) -> Destination:
    """400, which names the field."""
    form = DestinationForm(shown(row) | _values(body, row), destination=row)
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        field = f"settings.{name.removeprefix(PREFIX)}" if name.startswith(PREFIX) else name
        raise ApiError(400, "Invalid destination", f"{field}: {errors[0]}")
    return verbs.save(form, by=Actor.request(request, SURFACE))


def _values(body: dict[str, Any], row: Destination) -> dict[str, Any]:
    """What the form takes; its types are judged here, its values there."""
    values: dict[str, Any] = {}
    kinds: dict[str, type] = {
        "name": str,
        "is_enabled": bool,
        "is_default": bool,
        "teams": list,
        "settings": dict,
    }
    for name, kind in kinds.items():
        if name in body:
            if not isinstance(body[name], kind):
                raise ApiError(400, "Invalid destination", f"{name} has the wrong type.")
            values[name] = body[name]
    if any(not isinstance(one, str) for one in values.get("teams", [])):
        raise ApiError(400, "Invalid destination", "teams must be a list of slugs.")
    known = {one.name for one in WITH_DESTINATIONS[row.channel].fields}
    for name, value in values.pop("settings", {}).items():
        if name not in known or not isinstance(value, str | None):
            text = f"settings.{name} is not a setting of this channel, or no text."
            raise ApiError(400, "Invalid destination", text)
        values[f"{PREFIX}{name}"] = value or ""
    return values
