"""The REST routes of the rules about messages: reminders and escalation steps."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from rest_framework.request import Request

from accounts.models import Team
from accounts.rest.permissions import needs
from audit.record import Actor
from incidents import rule_verbs
from incidents.models import EscalationStep, ReminderRules
from incidents.models.rules import MINUTES_OF_A_WEEK
from incidents.rest.wire import StepJson, read_account, step_json
from incidents.verbs import Invalid
from scheduler_site.openapi.route import route
from scheduler_site.rest.answers import Answer, Created
from scheduler_site.rest.query import whole
from scheduler_site.rest.schema_types import Rules, one_of
from scheduler_site.rest.views import ApiError, ApiView, as_uuid

SURFACE = "api"
MAY_CHANGE = needs("incidents.change_reminderrules")
Minutes = Annotated[int, Rules(minimum=0, maximum=MINUTES_OF_A_WEEK)]
Reminders = Annotated[dict[str, Minutes], "Minutes between reminders, by channel; 0: none."]


class IncidentRules(TypedDict):
    """When people are told again of an incident that nobody has acknowledged."""

    reminders: Reminders
    steps: Annotated[list[StepJson], "The escalation steps, those for all teams first."]


class NewReminders(TypedDict):
    """How often to remind; channels that are left out stay."""

    reminders: Reminders


class RemindersChanged(TypedDict):
    """The reminders as they are now."""

    message: Literal["Reminders changed"]
    reminders: Reminders


class NewStep(TypedDict):
    """Whom else to tell, after how long."""

    after: Annotated[int, "Minutes after the opening.", Rules(minimum=1, maximum=MINUTES_OF_A_WEEK)]
    channel: Annotated[str, "By which way.", one_of(EscalationStep.Channel.values)]
    user: NotRequired[Annotated[str | None, "A username; left out: the administrators."]]
    team: NotRequired[Annotated[str | None, "Slug or name of a team; left out: teams without steps."]]


class StepAdded(TypedDict):
    """The step."""

    message: Literal["Step added"]
    step: StepJson


class StepRemoved(TypedDict):
    """A confirmation."""

    message: Literal["Step removed"]


class RulesView(ApiView):
    tag = "Incidents"
    method_permissions = dict.fromkeys(("GET", "PUT"), MAY_CHANGE)

    @route("get_incident_rules", "As they are.")
    def get(self, request: Request) -> Answer[IncidentRules]:
        """Reminders and escalation steps.

        For administrators.
        """
        steps = EscalationStep.objects.select_related("team", "user").order_by("team__name", "after", "id")
        return Answer({"reminders": ReminderRules.current(), "steps": [step_json(step) for step in steps]})

    @route("set_reminders", "As they are now.", request=NewReminders)
    def put(self, request: Request) -> Answer[RemindersChanged]:
        """Change how often people are reminded.

        For administrators.
        """
        given = self.payload().get("reminders")
        given = given if isinstance(given, dict) else {"": None}
        minutes = {name: number for name, value in given.items() if (number := whole(value)) is not None}
        if len(minutes) < len(given):
            raise ApiError(400, "Invalid reminders", 'Write minutes by channel, such as {"email": 240}.')
        try:
            current = rule_verbs.set_reminders(minutes, by=Actor.request(request, SURFACE))
        except Invalid as refusal:
            raise ApiError(400, f"Invalid {refusal.field}", str(refusal)) from refusal
        return Answer({"message": "Reminders changed", "reminders": current})


class StepsView(ApiView):
    tag = "Incidents"
    method_permissions = {"POST": MAY_CHANGE}

    @route("add_escalation_step", "It is added.", request=NewStep)
    def post(self, request: Request) -> Created[StepAdded]:
        """Add an escalation step.

        For administrators. It also counts for incidents that are open.
        """
        body = self.payload()
        after, channel = whole(body.get("after")), body.get("channel")
        if after is None:
            raise ApiError(400, "Invalid after", f"Write 1 to {MINUTES_OF_A_WEEK} minutes.")
        if not isinstance(channel, str):
            raise ApiError(400, "Invalid channel", "Write the name of a channel.")
        user = read_account(body.get("user"), "Invalid user", "leave it out")
        team = _team(body.get("team"))
        by = Actor.request(request, SURFACE)
        try:
            step = rule_verbs.add_step(after, channel, user=user, team=team, by=by)
        except Invalid as refusal:
            raise ApiError(400, f"Invalid {refusal.field}", str(refusal)) from refusal
        return Created({"message": "Step added", "step": step_json(step)})


class StepView(ApiView):
    tag = "Incidents"
    method_permissions = {"DELETE": MAY_CHANGE}

    @route("remove_escalation_step", "It is gone.")
    def delete(self, request: Request, step_id: str) -> Answer[StepRemoved]:
        """Remove an escalation step.

        For administrators.
        """
        uid = as_uuid(step_id)
        step = EscalationStep.objects.select_related("team", "user").filter(uid=uid).first() if uid else None
        if step is None:
            raise ApiError(404, "Step not found", "There is no escalation step with this id.")
        rule_verbs.remove_step(step, by=Actor.request(request, SURFACE))
        return Answer({"message": "Step removed"})


def _team(name: object) -> Team | None:
    if name is None:
        return None
    found = Team.find(name) if isinstance(name, str) and name else None
    if found is None:
        raise ApiError(400, "Invalid team", "Write the slug or the name of a team, or leave it out.")
    return found
