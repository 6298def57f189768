"""The REST routes of the Slack settings (v2 wire facts, section 11)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from rest_framework.request import Request

from accounts.rest.permissions import needs
from audit.record import Actor
from notifications import verbs
from notifications.models import SlackSettings
from scheduler_site.openapi.route import route
from scheduler_site.rest import etags
from scheduler_site.rest.answers import Answer
from scheduler_site.rest.parameters import CHANGED, IF_MATCH
from scheduler_site.rest.schema_types import Rules, Stamp, Uid
from scheduler_site.rest.views import ApiError, ApiView, timestamp

SURFACE = "api"
LONGEST = {"webhook_url": 1000, "channel": 100}


class SlackSettingsJson(TypedDict):
    """Settings for alerts in Slack."""

    id: Annotated[Uid, "The id of the one set of settings."]
    is_enabled: Annotated[bool, "Whether anything is sent."]
    webhook_url: Annotated[str | None, "The address of the incoming webhook, masked: it is a secret."]
    channel: Annotated[str | None, "The channel, where it is not the webhook's own."]
    created_at: Annotated[Stamp, "When they were made."]
    updated_at: Annotated[Stamp, "When they were last changed."]


class SlackChanges(TypedDict, total=False):
    """What is to be changed."""

    is_enabled: Annotated[bool | None, "Whether anything is sent; needs an address."]
    webhook_url: Annotated[
        str | None,
        "The https address of an incoming webhook; empty or null takes it away, the masked one keeps it.",
        Rules(maxLength=LONGEST["webhook_url"]),
    ]
    channel: Annotated[
        str | None,
        "A channel such as #alerts; empty or null takes it away.",
        Rules(maxLength=LONGEST["channel"]),
    ]


class OneSlack(TypedDict):
    """The settings."""

    slack_settings: SlackSettingsJson


class SlackUpdated(TypedDict):
    """The settings as they are now."""

    message: Literal["Slack settings updated"]
    slack_settings: SlackSettingsJson


class SlackTested(TypedDict):
    """A confirmation."""

    message: Literal["Test message sent"]


def slack_json(slack: SlackSettings) -> SlackSettingsJson:
    """The URL is a secret: it is shown masked, and sent back so it changes nothing."""
    return {
        "id": str(slack.uid),
        "is_enabled": slack.is_enabled,
        "webhook_url": slack.masked_url or None,
        "channel": slack.channel or None,
        "created_at": timestamp(slack.created_at),
        "updated_at": timestamp(slack.updated_at),
    }


class _Slack(ApiView):
    tag = "Slack"


class SlackView(_Slack):
    method_permissions = dict.fromkeys(("GET", "PUT"), needs("notifications.change_slacksettings"))

    @route("get_slack_settings", "As they are.")
    def get(self, request: Request) -> Answer[OneSlack]:
        """The Slack settings.

        For administrators.
        """
        slack = SlackSettings.load()
        return etags.tagged(Answer[OneSlack]({"slack_settings": slack_json(slack)}), slack)

    @route("update_slack_settings", "As they are now.", CHANGED, headers=[IF_MATCH], request=SlackChanges)
    def put(self, request: Request) -> Answer[SlackUpdated]:
        """Change the Slack settings.

        For administrators.
        """
        values = _slack_values(self.payload())
        try:
            with etags.unchanged(request, SlackSettings.objects.all()):
                slack = verbs.update_slack(values, by=Actor.request(request, SURFACE))
        except verbs.Invalid as problem:
            raise ApiError(400, "Invalid settings", str(problem)) from problem
        answer = Answer[SlackUpdated](
            {"message": "Slack settings updated", "slack_settings": slack_json(slack)}
        )
        return etags.tagged(answer, slack)


class SlackTestView(_Slack):
    method_permissions = {"POST": needs("notifications.change_slacksettings")}

    @route("test_slack", "Slack has taken it.", {502: "Slack has not taken it; `message` says why."})
    def post(self, request: Request) -> Answer[SlackTested]:
        """Send a test message to Slack.

        For administrators.
        """
        alert = verbs.test_slack()
        if alert.last_error:
            raise ApiError(502, "Not delivered", alert.last_error)
        return Answer({"message": "Test message sent"})


def _slack_values(body: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if body.get("is_enabled") is not None:
        if not isinstance(body["is_enabled"], bool):
            raise ApiError(400, "Invalid settings", "is_enabled must be true or false.")
        values["is_enabled"] = body["is_enabled"]
    for name, longest in LONGEST.items():
        if name not in body:
            continue
        text = "" if body[name] is None else body[name]
        if not isinstance(text, str) or len(text.strip()) > longest:
            raise ApiError(400, "Invalid settings", f"{name} must be a text of at most {longest} characters.")
        values[name] = text.strip()
    return values
