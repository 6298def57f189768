"""The types of request bodies about jobs; payload.py and validation.py read them."""

from __future__ import annotations

from typing import Annotated, TypedDict

from environments.models import LONGEST_NAME as LONGEST_ENVIRONMENT
from jobs.changes.dependencies import MOST as MOST_DEPENDENCIES
from jobs.forms.targets import GitHubKeys
from jobs.rest.declared_fields import SENT
from jobs.rest.wire import (
    KINDS,
    Addresses,
    DayRule,
    Kind,
    Mails,
    MailsSuccess,
    Metadata,
    On,
    Period,
    Zone,
)
from jobs.runners import Options
from jobs.runners.webhook.forms import TargetUrl
from jobs.schedule.cron import MAX_LENGTH
from scheduler_site.rest.schema_types import Day, Rules, Uid, also, partial

MAX_NAME = 100
MAX_REASON = 500
MOST_PERIODS = 100_000_000
CronExpression = Annotated[
    str,
    "Five fields in the job's time zone, 0 and 7 are Sunday; with both day fields set, either matches unless `day_rule` "
    "is both. Names, lists, ranges, steps, `L`, `5#3` and macros such as `@daily` are known.",
    Rules(maxLength=MAX_LENGTH, examples=["0 2 * * *"]),
]


ScheduleKind = Annotated[str | None, "The kind of schedule.", KINDS]


class _ScheduleParts(TypedDict, total=False):
    timezone: Zone | None
    day_rule: DayRule | None
    every: Annotated[
        int | None, "How many periods lie between two runs.", Rules(minimum=1, maximum=MOST_PERIODS)
    ]
    period: Period | None
    at: Annotated[str | None, "When it runs once: ISO 8601, without an offset in its time zone."]


class ScheduleChoice(_ScheduleParts, total=False):
    """When it runs; the kind follows from what is given."""

    kind: ScheduleKind
    expression: CronExpression | None


class _DependencyKeys(TypedDict, total=False):
    on: On


class DependencyChoice(_DependencyKeys):
    """A job to run after."""

    job: Annotated[Uid, "That job's id."]


# Parts of a schedule may stand beside `schedule` as well.
class _Sent(GitHubKeys, _ScheduleParts):
    schedule_kind: ScheduleKind
    cron_expression: CronExpression | None
    schedule: ScheduleChoice | None
    kind: Kind | None
    options: Options | None
    environment: Annotated[
        str | None,
        "The environment of a script, by name or id; other kinds have none.",
        Rules(maxLength=LONGEST_ENVIRONMENT),
    ]
    environment_id: Annotated[
        str | None,
        "The same by id, where `environment` is not given.",
        Rules(maxLength=LONGEST_ENVIRONMENT),
    ]
    target_url: TargetUrl | None
    metadata: Metadata | None
    category: Annotated[
        str | None, "A category by slug or name; without one, general.", Rules(maxLength=MAX_NAME)
    ]
    end_date: Annotated[Day | None, "The last day on which it runs; a year from today unless set otherwise."]
    pic_team: Annotated[str | None, "The team in charge, by slug or name.", Rules(maxLength=MAX_NAME)]
    pic_team_slug: Annotated[
        str | None, "The same, where `pic_team` is not given.", Rules(maxLength=MAX_NAME)
    ]
    enable_email_notifications: Mails | None
    notification_emails: Addresses | None
    notify_on_success: MailsSuccess | None
    secrets: Annotated[
        dict[str, Annotated[str | None, "The value."]] | None,
        "Secrets to set, by name; null takes one away.",
    ]
    depends_on: Annotated[
        list[DependencyChoice] | None,
        "The jobs to run after; replaces the former ones.",
        Rules(maxItems=MOST_DEPENDENCIES),
    ]


@also(SENT, required=["name"])
@partial
class NewJob(_Sent):
    """A job to make: a name, a schedule (`cron_expression` or `schedule`) and a target. Null counts as absent."""


@also(SENT)
@partial
class JobChanges(_Sent):
    """What is to be changed; what is not named stays. An empty `target_url` or `github_...` clears it."""

    is_active: Annotated[bool | None, "Whether its schedule is in force."]


class PauseChoice(TypedDict, total=False):
    """Why, and until when."""

    reason: Annotated[str | None, "Why.", Rules(maxLength=MAX_REASON)]
    until: Annotated[
        str | None, "Until when: ISO 8601, in the future; without an offset in the job's time zone."
    ]
