"""The form that all pages and APIs use to create or change a job. Pages send text, APIs send JSON values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _

from accounts.models import Category, Team, User
from accounts.roles import home_category
from jobs import quotas
from jobs.changes import dependencies
from jobs.changes.dependencies import Edge
from jobs.forms.environment_field import EnvironmentField, offered
from jobs.forms.errors import OptionError
from jobs.forms.fields import GivenRow, LinesField
from jobs.forms.masked_values import HiddenValue, without_masks
from jobs.forms.schedule_fields import ScheduleFields
from jobs.forms.timing import in_reach, schedule_data
from jobs.models import LONGEST_DESCRIPTION, Job, today
from jobs.models.column_types import column_of, references
from jobs.models.fields import NAMES
from jobs.runners import RUNNERS, OptionsForm, Runner
from jobs.runners.base import StrictJSONField
from jobs.verbs import JobChanges
from scheduler_site.lib.encrypted import Undecryptable
from scheduler_site.lib.text import INVISIBLE, INVISIBLE_TEXT, unseen

DEFAULT_DAYS = 365


def default_grace(kind: str) -> int:
    """Seconds between TERM and KILL of a new job of this kind."""
    return RUNNERS[kind].default_grace if kind in RUNNERS else 10


def default_end_date() -> dt.date:
    """Of a job for which nobody gives one, where the installation wants one."""
    return today() + dt.timedelta(days=DEFAULT_DAYS)


class JobForm(forms.ModelForm[Job], ScheduleFields):
    """Checks everything about a job and answers with `JobChanges` for the verbs; saves nothing itself.

    `options` holds the kind's options as JSON; a page sends them as fields named `options-<name>` instead.
    """

    metadata = StrictJSONField(
        label=_("Parameters (JSON)"), required=False, widget=forms.Textarea, initial=dict
    )
    options = StrictJSONField(required=False, widget=forms.HiddenInput)
    notification_emails = StrictJSONField(required=False)
    secrets = StrictJSONField(required=False, widget=forms.HiddenInput)
    depends_on: forms.Field = forms.Field(required=False, widget=forms.HiddenInput)
    environment = EnvironmentField()
    description = LinesField(
        label=_("Description"), required=False, max_length=LONGEST_DESCRIPTION, widget=forms.Textarea
    )

    class Meta:
        model = Job
        fields = tuple(name for name in NAMES if name != "options")
        widgets = {"end_date": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, data: Mapping[str, Any] | None = None, *, user: User, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {})
        instance: Job | None = kwargs.get("instance")
        given = kwargs["initial"]
        kwargs["initial"] = (schedule_data(instance.timing) if instance else self._fresh(user, given)) | given
        if instance is None:
            kwargs["initial"].setdefault("stop_grace", default_grace(kwargs["initial"]["kind"]))
        super().__init__(data, **kwargs)
        self.user = user
        self.new = instance is None
        self.fresh_secrets: frozenset[str] = frozenset()
        categories, teams = Category.objects.filter(is_active=True), Team.objects.filter(is_active=True)
        if home := home_category(user):
            categories = categories.filter(pk=home)
        if instance:
            # What the job has already it may keep, though nobody may choose it any more.
            categories = categories | Category.objects.filter(pk=instance.category_id)
            teams = teams | Team.objects.filter(pk=instance.team_id or 0)
        cast("EnvironmentField", self.fields["environment"]).queryset = offered(user, instance)
        cast("forms.ModelChoiceField[Category]", self.fields["category"]).queryset = categories
        cast("forms.ModelChoiceField[Team]", self.fields["team"]).queryset = teams
        self.fields["team"].required = settings.JOB_PIC_TEAM_REQUIRED

    @staticmethod
    def _fresh(user: User, given: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "category": given.get("category") or user.category_id or Category.general().pk,
            "timezone": settings.SCHEDULER_TIMEZONE,
            "kind": Job.Kind.WEBHOOK,
        }

    def settle(self, category: Category, team: Team | None) -> None:
        """Takes this category and this team, of which the surface has judged by its own rules whether they may be chosen."""
        self.fields["category"], self.fields["team"] = GivenRow(category), GivenRow(team)

    def _get_validation_exclusions(self) -> set[str]:
        """The rows that a job refers to were read when they were chosen: the model need not ask whether they are there."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | set(references())

    @property
    def end_date_policy(self) -> str:
        """`optional`, `default` or `required`."""
        policy: str = settings.JOB_END_DATE_POLICY
        return policy

    def clean_name(self) -> str:
        """Of one line: names stand in subjects, and in mails whose other lines are ours."""
        name: str = self.cleaned_data["name"]
        if "name" in self.changed_data and (sign := unseen(name)):
            if len(sign) == 6 and int(sign[2:], 16) < 0xA0:
                raise ValidationError(_("Write the name on one line, without control characters."))
            raise ValidationError(INVISIBLE, params={"sign": sign})
        return name

    def clean_description(self) -> str:
        text: str = self.cleaned_data["description"]
        if "description" in self.changed_data and (sign := unseen(text, lines=True)):
            raise ValidationError(INVISIBLE_TEXT, params={"sign": sign})
        return text

    def clean_metadata(self) -> dict[str, Any]:
        value = self.cleaned_data["metadata"]
        if value in (None, ""):
            return {}
        if not isinstance(value, dict):
            raise ValidationError(_("The metadata must be a JSON object."))
        return without_masks(value, None if self.new else self.instance.metadata)

    def clean_secrets(self) -> dict[str, str] | None:
        """Write-only: nothing given leaves the stored ones as they are, an empty text removes one."""
        value = self.cleaned_data["secrets"]
        if value is None:
            return None
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise ValidationError(_("The secrets must be an object of texts."))
        self.fresh_secrets = frozenset(name for name, text in value.items() if text)
        merged = {name: text for name, text in {**self.instance.secrets, **value}.items() if text}
        if isinstance(self.instance.secrets, Undecryptable) and not merged:
            # Their names are not known: they are replaced as a whole, or left alone.
            return None
        return merged

    def clean_depends_on(self) -> list[Edge] | None:
        """Nothing given leaves the stored ones as they are."""
        value = self.cleaned_data["depends_on"]
        return None if value in (None, "") else dependencies.read(value, self.user, self.instance)

    def clean_notification_emails(self) -> list[str]:
        value = self.cleaned_data["notification_emails"] or []
        if not isinstance(value, list) or not all(isinstance(address, str) for address in value):
            raise ValidationError(_("The addresses must be a list of texts."))
        for address in value:
            validate_email(address)
        return value

    def clean_end_date(self) -> dt.date | None:
        value: dt.date | None = in_reach(self.cleaned_data["end_date"])
        if value is None and self.new and self.end_date_policy == "default":
            return default_end_date()
        missing = value is None and (self.new or self.instance.end_date is not None)
        if missing and self.end_date_policy == "required":
            raise ValidationError(_("An end date is required."))
        if value is not None and value < today() and value != self.instance.end_date:
            raise ValidationError(_("The end date has passed already."))
        return value

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("kind") in Job.CODE_KINDS and not self.user.has_perm("jobs.run_code"):
            raise PermissionDenied(_("You may not create or change jobs that run code."))
        self._clean_environment(cleaned)
        self._clean_options(cleaned)
        self.clean_schedule(cleaned)
        for name, text in list(quotas.problems(cleaned, None if self.new else self.instance)):
            self.add_error(name, text)
        if not cleaned.get("enable_email_notifications"):
            self.forget(("notification_emails", "notify_on_success"))
            cleaned["notification_emails"], cleaned["notify_on_success"] = [], False
        return cleaned

    def changes(self) -> JobChanges:
        """The checked values; to be called when the form is valid."""
        values = {name: self.cleaned_data[name] for name in NAMES}
        secrets, edges = self.cleaned_data["secrets"], self.cleaned_data["depends_on"]
        return JobChanges(values, self.timing, secrets, self.fresh_secrets, edges)

    def _clean_environment(self, cleaned: dict[str, Any]) -> None:
        """Scripts run in one; of other kinds none is kept."""
        if cleaned.get("kind") != Job.Kind.SCRIPT:
            cleaned["environment"] = None
            self.errors.pop("environment", None)
        elif cleaned.get("environment") is None and "environment" not in self.errors:
            self.add_error("environment", _("A script needs an environment to run in."))

    # Options of the kind -------------------------------------------------------------------------------------------

    def options_form(self, kind: str) -> OptionsForm:
        """The kind's own fields, as a page shows them: with what was entered, else with what is stored."""
        form = RUNNERS[kind].options_form
        if self.is_bound:
            return form(self.data, prefix="options")
        same = self.instance.kind == kind
        return form(prefix="options", initial=self.instance.options if same else {})

    @staticmethod
    def runner(kind: str) -> Runner:
        """Which judges the options of this kind."""
        return RUNNERS[kind]

    def _clean_options(self, cleaned: dict[str, Any]) -> None:
        kind = cleaned.get("kind")
        if kind is None:
            return
        if kind not in RUNNERS:
            self.add_error("kind", _("Jobs of this kind cannot be made in this version."))
            return
        try:
            options = self.runner(kind).clean_options(self._given_options(kind))
            cleaned["options"] = without_masks(options, None if self.new else self.instance.options)
        except HiddenValue as error:
            self.add_error("options", error)
        except ValidationError as error:
            self._refuse_options(error.message_dict)

    def _refuse_options(self, reasons: Mapping[str, Iterable[str]]) -> None:
        """Each reason keeps the option that it is about."""
        for name, texts in reasons.items():
            for text in texts:
                self.add_error("options", OptionError(name, text))

    @property
    def option_errors(self) -> list[OptionError]:
        """What is wrong with single options."""
        found = self.errors.as_data().get("options", [])
        return [error for error in found if isinstance(error, OptionError)]

    def _given_options(self, kind: str) -> Any:
        if "options" in self.data:
            return self.cleaned_data.get("options") or {}
        form = RUNNERS[kind].options_form(self.data, prefix="options")
        values = {
            name: field.widget.value_from_datadict(form.data, form.files, form.add_prefix(name))
            for name, field in form.fields.items()
        }
        return {name: value for name, value in values.items() if value not in (None, "")}


def form_data(job: Job) -> dict[str, Any]:
    """A stored job as the data of this form, for surfaces that change only some of it."""
    values = {name: getattr(job, column_of(name).attname) for name in NAMES}
    return values | schedule_data(job.timing)
