"""JSON bodies as data of the job form: the keys of the v2 dialect and ours, and the types that JSON values must have."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Category, Team, User, slugify
from accounts.roles import home_category
from jobs.forms import environment_field
from jobs.forms.errors import FieldError, InvalidPayload
from jobs.forms.job import default_grace, form_data
from jobs.forms.schedule_keys import SCHEDULE_KEYS, kind_named, kind_of, refuse_odd_values
from jobs.forms.targets import TARGET_KEYS, TARGET_KINDS, with_target
from jobs.models import Job, today
from jobs.models.column_types import column_of, shape_of
from jobs.models.fields import PLAIN, JobField
from jobs.rest.wire import read_moment
from jobs.schedule import ScheduleError
from scheduler_site.rest.query import whole

# Leaves room for arithmetic before the last year of Python's calendar.
LAST_YEAR = 9000
MAX_NAME = 100

_Named = TypeVar("_Named", Category, Team)


def flag(body: Mapping[str, Any], name: str) -> bool | None:
    """A boolean, or 0 or 1; None when absent or null. Raises InvalidPayload."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or value not in (0, 1):
        raise InvalidPayload(_("Write true or false."), f"Invalid {name}")
    return bool(value)


class PayloadReader:
    """A body on top of what is stored, or of the defaults: `data` for the form, `errors` by field of the form.

    Null means absent, except where a field can be empty: metadata, end_date, pic_team, and columns that may be null.
    """

    def __init__(self, body: Mapping[str, Any], user: User, job: Job | None) -> None:
        self.body, self.user, self.job = body, user, job
        self.own_category = user.category if home_category(user) else None
        self.category, self.team = (job.category, job.team) if job else (self._usual_category(), None)
        self.data = form_data(job or Job(category=self.category))
        self.errors: dict[str, FieldError] = {}
        readers: dict[str, Callable[[], None]] = {
            "schedule": self._schedule,
            "at": self._moment,
            "options": self._target,
            "environment": self._environment,
            "metadata": self._metadata,
            "category": self._category,
            "end_date": self._end_date,
            "team": self._team,
            "notification_emails": self._mail,
            "secrets": self._secrets,
            "depends_on": self._depends_on,
            "is_active": lambda: None if job is None else self._check_flag("is_active"),
        }
        readers |= {field.name: partial(self._plain, field) for field in PLAIN}
        for field, read in readers.items():
            try:
                read()
            except InvalidPayload as error:
                self.errors[field] = FieldError(error.label or f"Invalid {field}", str(error))
        if job is None and not self._given("stop_grace"):
            self.data["stop_grace"] = default_grace(str(self.data["kind"]))

    def _given(self, name: str) -> bool:
        return self.body.get(name) is not None

    def _text(self, name: str, label: str = "") -> str:
        value = self.body[name]
        if not isinstance(value, str):
            raise InvalidPayload(_("%(name)s must be a text.") % {"name": name}, label or f"Invalid {name}")
        return value.strip()

    def _object(self, name: str) -> dict[str, Any]:
        value = self.body[name]
        if not isinstance(value, dict):
            raise InvalidPayload(_("%(name)s must be an object.") % {"name": name})
        return value

    def _check_flag(self, name: str) -> None:
        flag(self.body, name)

    # When ----------------------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        """The `schedule` object, the same keys beside it, and `cron_expression`."""
        given = self._object("schedule") if self._given("schedule") else {}
        values = {key: given[key] for key in SCHEDULE_KEYS if given.get(key) is not None}
        values |= {key: self.body[key] for key in SCHEDULE_KEYS[1:] if self._given(key)}
        refuse_odd_values(values)
        kind = kind_named(given.get("kind"), self.body.get("schedule_kind")) or kind_of(values)
        cron = self.body.get("cron_expression")
        if self.job is None and cron and kind not in ("", "cron"):
            text = _("Give one schedule only: a cron expression, an interval, a time, or none.")
            raise InvalidPayload(text, "Invalid schedule")
        # A job that was read and is sent back says its expression twice: what differs from the stored one counts.
        if cron is not None and cron != self.data["expression"] and not (cron == "" and kind):
            kind, values["expression"] = "cron", cron
        if self.job is None and not kind:
            kind = "cron"
        self.data |= values | ({"schedule_kind": kind} if kind else {})

    def _moment(self) -> None:
        """The form wants the digits of a clock in the job's zone; a body may give an offset as well."""
        value = self.data.get("at")
        if value is None or isinstance(value, dt.datetime):
            return
        self.data["at"] = None
        try:
            moment = read_moment(value, str(self.data["timezone"]))
        except ScheduleError:
            return  # the form tells that the zone is unknown
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidPayload(_("Write a time such as 2026-03-29T03:00:00+02:00.")) from error
        self.data["at"] = moment.replace(tzinfo=None, microsecond=0)

    # What ----------------------------------------------------------------------------------------------------------

    def _target(self) -> None:
        self.data["kind"] = self.data["kind"] or Job.Kind.WEBHOOK
        kind, options = (self.job.kind, self.job.options) if self.job else ("", {})
        if self._given("kind"):
            if not self.body["kind"]:
                raise InvalidPayload(_("This field is required."), "Invalid kind")
            options = options if self.body["kind"] == kind else {}
            kind = self.body["kind"]
        if self._given("options"):
            kind, options = kind or Job.Kind.WEBHOOK, self._object("options")
        given = {key: self._text(key) for key in TARGET_KEYS if self._given(key)}
        if given and not (self._given("kind") and kind not in TARGET_KINDS):
            kind, options = with_target(kind, options, given)
        if not kind or (not options and kind not in Job.CODE_KINDS):
            text = _("Give target_url, or github_repo and github_workflow_name.")
            self.errors["target"] = FieldError("Missing target configuration", text)
        self.data |= {"kind": kind or Job.Kind.WEBHOOK, "options": options}

    def _environment(self) -> None:
        """By name or id. A job that was read and is sent back names it twice: what `environment` says counts."""
        key = next((key for key in ("environment", "environment_id") if self._given(key)), None)
        if key is None:
            return
        text = self._text(key, "Invalid environment")
        found = environment_field.named(text, self.user, self.job) if text else None
        if text and found is None:
            raise InvalidPayload(_("There is no environment %(name)s.") % {"name": text[:200]})
        self.data["environment"] = found.uid if found else None

    def _metadata(self) -> None:
        if "metadata" in self.body:
            self.data["metadata"] = self._object("metadata") if self._given("metadata") else {}

    # Whose ---------------------------------------------------------------------------------------------------------

    def _usual_category(self) -> Category:
        return self.own_category or Category.general()

    def _category(self) -> None:
        if not self._given("category"):
            return
        text = self._text("category")
        found = self._category_called(text)
        allowed = {self.own_category.pk} if self.own_category else None
        if self.job and allowed:
            allowed.add(self.job.category_id)
        if found is None or (allowed and found.pk not in allowed):
            raise InvalidPayload(_("There is no category %(name)s for you.") % {"name": text})
        self.category, self.data["category"] = found, found.pk

    def _category_called(self, text: str) -> Category | None:
        if not text:
            return self._usual_category()
        return _named(Category, text, self.category)

    def _team(self) -> None:
        key = next((key for key in ("pic_team", "pic_team_slug") if key in self.body), None)
        if key is None and (self.job or not settings.JOB_PIC_TEAM_REQUIRED):
            return
        text = self._text(key, "Invalid PIC team") if key and self._given(key) else ""
        team = _named(Team, text, self.team) if text else None
        if text and team is None:
            problem = _("Unknown PIC team: %(name)s.")
        elif team and not team.is_active:
            problem = _("The PIC team %(name)s is disabled.")
        elif team is None and settings.JOB_PIC_TEAM_REQUIRED:
            problem = _("A PIC team is required.")
        else:
            self.team, self.data["team"] = team, team.pk if team else None
            return
        raise InvalidPayload(problem % {"name": text}, "Invalid PIC team")

    # Until when, and who hears of it -------------------------------------------------------------------------------

    def _end_date(self) -> None:
        if "end_date" not in self.body:
            return
        value = self.body["end_date"]
        if value in (None, ""):
            self._without_end_date()
            return
        try:
            day = dt.date.fromisoformat(value)
        except (ValueError, TypeError) as error:
            raise InvalidPayload(_("Write a date such as 2026-12-31.")) from error
        if day < today():
            raise InvalidPayload(_("The end date has passed already."))
        if day.year > LAST_YEAR:
            raise InvalidPayload(_("The end date is too far away."))
        self.data["end_date"] = day

    def _without_end_date(self) -> None:
        text = _("An end date is required.")
        if self.job is None and settings.JOB_END_DATE_POLICY == "required":
            raise InvalidPayload(text, "Missing required fields")
        if self.job and self.job.end_date and settings.JOB_END_DATE_POLICY != "optional":
            raise InvalidPayload(text)
        self.data["end_date"] = None

    def _mail(self) -> None:
        """While mail is off, whatever else is said of it is dropped (wire facts 5.1)."""
        if (enabled := flag(self.body, "enable_email_notifications")) is not None:
            self.data["enable_email_notifications"] = enabled
        if not self.data["enable_email_notifications"]:
            self.data |= {"notification_emails": [], "notify_on_success": False}
            return
        if self._given("notification_emails"):
            self.data["notification_emails"] = self.body["notification_emails"]
            if not isinstance(self.body["notification_emails"], list):
                raise InvalidPayload(_("notification_emails must be a list."))
        if (success := flag(self.body, "notify_on_success")) is not None:
            self.data["notify_on_success"] = success

    # How -----------------------------------------------------------------------------------------------------------

    def _secrets(self) -> None:
        # A job that was read names its secrets in a list; sent back, that changes nothing.
        if self._given("secrets") and not isinstance(self.body["secrets"], list):
            self.data["secrets"] = self._object("secrets")

    def _depends_on(self) -> None:
        # Whatever it is: what is wrong with it is told by the form.
        if self._given("depends_on"):
            self.data["depends_on"] = self.body["depends_on"]

    def _plain(self, field: JobField) -> None:
        """A value of the column's type; whether it is within its bounds, or one of its choices, is told by the form."""
        name = field.name
        if not self._given(name):
            if name in self.body and column_of(name).null:
                self.data[name] = None
            return
        match shape_of(field):
            case "text":
                self.data[name] = self._text(name)
            case "number":
                self.data[name] = self._number(name, field.most)
            case "flag":
                self.data[name] = flag(self.body, name)
            case "choice":
                self.data[name] = self.body[name]

    def _number(self, name: str, most: int) -> int:
        value = whole(self.body[name])
        if value is None or not 0 <= value <= most:
            raise InvalidPayload(_("Write a whole number from 0 to %(limit)d.") % {"limit": most})
        return value


def _named(model: type[_Named], text: str, known: _Named | None) -> _Named | None:
    """`known` is one that was read already."""
    if known is not None and known.slug == slugify(text):
        return known
    # Databases refuse to compare texts that are longer than a pattern may be.
    return model.find(text) if len(text) <= MAX_NAME else None
