"""The forms of the pages: values that `JobForm` takes as JSON are written as lines of text."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.changes.dependencies import Edge
from jobs.forms import line_ends, unchanged_fields
from jobs.forms.job import JobForm, default_end_date
from jobs.forms.timing import MOMENT, SCHEDULE, in_reach, schedule_data
from jobs.forms.unchanged_fields import LINE_END
from jobs.models import SCRIPT_OPTION, Dependency, Job
from jobs.models.fields import FIELDS
from jobs.runners import RUNNERS, OptionsForm
from jobs.runners.base import StrictJSONField
from jobs.schedule import zone
from scheduler_site.lib import credentials

# Of the rows in which jobs to follow are named: how many are empty, and how many names are suggested.
BLANKS = 3
SUGGESTIONS = 500
MAX_NAME = 200
SCRIPT = f"options-{SCRIPT_OPTION}"
# Options that are texts of several lines, sent or run as they are.
TEXTS = (SCRIPT_OPTION, "requirements", "body")
LINE_ENDS = {"lf": _("LF (Unix)"), "crlf": _("CRLF (Windows)"), "mixed": _("as they are (mixed)")}


# Of the area in which a script is written; static/js/editor.js makes more of it.
EDITOR = {
    "rows": 16,
    "wrap": "off",
    "autocapitalize": "off",
    "autocomplete": "off",
    "aria-describedby": "editor-help",
}


class EmailsField(forms.CharField):
    """Addresses, one per line or with commas between; a list."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [address for address in re.split(r"[\s,;]+", super().to_python(value) or "") if address]


class SecretsField(forms.CharField):
    """`name=value` lines; nothing written leaves the stored secrets as they are, an empty value removes one."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        lines = [line for line in LINE_END.split(super().to_python(value) or "") if line.strip()]
        if not all("=" in line.lstrip("= ") for line in lines):
            raise ValidationError(_("Write each secret as name=value, on a line of its own."))
        pairs = (line.partition("=") for line in lines)
        return {name.strip(): text.strip() for name, _sign, text in pairs} or None


class EdgesWidget(forms.Widget):
    """Pairs of fields, a job's name and a condition, as many as there are; without any of them nothing is said."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, str]] | None:
        if f"{name}-job" not in data or not hasattr(data, "getlist"):
            return None
        pairs = zip(data.getlist(f"{name}-job"), data.getlist(f"{name}-on"), strict=False)
        return [{"job": job.strip(), "on": on} for job, on in pairs if job.strip()]


class EdgesField(forms.Field):
    """Edges as in the API, but with the jobs' names; an id stands for a job that the reader may not see."""

    widget = EdgesWidget


class PageJobForm(JobForm):
    """`JobForm` as a page shows it. `version` is when the job was last changed as the reader saw it."""

    notification_emails = EmailsField(  # type: ignore[assignment]
        label=_("E-mail addresses"), required=False
    )
    secrets = SecretsField(label=_("Secrets"), required=False)  # type: ignore[assignment]
    depends_on = EdgesField(label=_("Upstream jobs"), required=False)
    version = forms.CharField(required=False, widget=forms.HiddenInput)
    line_ends = forms.ChoiceField(label=_("Line endings"), required=False, choices=LINE_ENDS.items())

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(_as_meant(data, kwargs.get("instance")), **kwargs)
        self._offer_line_ends()
        self._offer_end_date()
        self.fields["kind"].widget = forms.HiddenInput()
        self.fields["timezone"].widget.attrs |= {"list": "timezones", "spellcheck": "false"}
        self.fields["expression"].widget.attrs |= {
            "placeholder": "30 2 * * mon-fri",
            "spellcheck": "false",
            "class": "mono",
        }
        self.fields["secrets"].widget.attrs |= {"rows": 3, "autocomplete": "off", "spellcheck": "false"}
        self.fields["description"].widget.attrs |= {"rows": 3}
        for name in ("metadata", "notification_emails"):
            self.fields[name].widget.attrs |= {"rows": 3, "spellcheck": "false"}
        for name in ("metadata", "options"):
            if name in self.initial:
                self.initial[name] = credentials.masked(self.initial[name])
        if self.instance.pk:
            self.initial["version"] = version_of(self.instance)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in ("name", "description"):
            stored, lines = getattr(self.instance, name), isinstance(self.fields[name].widget, forms.Textarea)
            if self.instance.pk and unchanged_fields.same_text(stored, self.data.get(name), lines=lines):
                cleaned[name] = stored
        return cleaned

    def clean_end_date(self) -> dt.date | None:
        """An installation in which every new job ends does not lose the end of an old one by an empty field."""
        emptied = self.cleaned_data["end_date"] is None and not self.new and self.instance.end_date
        if emptied and settings.JOB_END_DATE_POLICY == "default":
            raise ValidationError(_("An end date is required."))
        return super().clean_end_date()

    def end_date_was_chosen(self) -> bool:
        """The one that the form of a new job shows was chosen by nobody."""
        return super().end_date_was_chosen() and not (
            self.new and self.data.get("end_date") == default_end_date().isoformat()
        )

    def _offer_end_date(self) -> None:
        field = self.fields["end_date"]
        policy = settings.JOB_END_DATE_POLICY
        if policy == "optional":
            field.help_text = _("The last day on which it runs. Empty: no end.")
        if policy == "default" and self.new:
            self.initial["end_date"] = self.initial.get("end_date") or default_end_date()
        field.widget.attrs["aria-required"] = str(policy != "optional").lower()

    def _offer_line_ends(self) -> None:
        """Mixed ones only where the text has them already."""
        shown = self.data.get(SCRIPT, "") if self.is_bound else self._shown_options.get(SCRIPT_OPTION, "")
        present = line_ends.ends_of(shown)
        self.initial["line_ends"] = present
        if present != "mixed":
            choices = [one for one in LINE_ENDS.items() if one[0] != "mixed"]
            cast("forms.ChoiceField", self.fields["line_ends"]).choices = choices

    @property
    def rules(self) -> list[list[forms.BoundField]]:
        """The fields that stand among the rules, row by row."""
        rows: dict[str, list[forms.BoundField]] = {}
        for field in FIELDS:
            if field.row:
                rows.setdefault(field.row, []).append(self[field.name])
        return list(rows.values())

    @property
    def _shown_options(self) -> dict[str, Any]:
        """What an unbound form starts with: a duplicate with what the original says."""
        return self.initial.get("options") or self.instance.options or {}

    def clean_depends_on(self) -> list[Edge] | None:
        if given := self.cleaned_data["depends_on"]:
            names = [one["job"] for one in given if len(one["job"]) <= MAX_NAME and "\0" not in one["job"]]
            ids = dict(Job.objects.visible_to(self.user).filter(name__in=names).values_list("name", "uid"))
            self.cleaned_data["depends_on"] = [
                {"job": _id_of(one["job"], ids.get(one["job"])), "on": one["on"]} for one in given
            ]
        return super().clean_depends_on()

    @cached_property
    def edge_rows(self) -> list[dict[str, Any]]:
        """What was entered or is stored, and room for more. `hidden`: the reader may not see that job."""
        if self.is_bound:
            rows = self["depends_on"].value() or []
        else:
            rows = self.initial.get("depends_on") or edge_rows(self.instance, self.user)
        return [*rows, *({"job": "", "on": Dependency.On.SUCCESS} for _blank in range(BLANKS))]

    @cached_property
    def names_to_follow(self) -> list[str]:
        """Suggestions; a job that is not among them can be named all the same."""
        names = Job.objects.visible_to(self.user).exclude(pk=self.instance.pk).values_list("name", flat=True)
        return list(names.order_by("name")[:SUGGESTIONS])

    def _clean_options(self, cleaned: dict[str, Any]) -> None:
        kind = cleaned.get("kind")
        if kind in RUNNERS and (errors := self.options_form(kind).errors):
            self._refuse_options({name: [str(messages[0])] for name, messages in errors.items()})
        else:
            super()._clean_options(cleaned)

    def options_form(self, kind: str) -> OptionsForm:
        """The kind's own fields; those of a duplicate start with what the original says."""
        form = super().options_form(kind)
        # A copy: what follows is about how the values look, not about the job's options.
        form.initial = dict(form.initial if self.is_bound else self.initial.get("options", form.initial))
        return self._dressed(form)

    def _given_options(self, kind: str) -> Any:
        given = super()._given_options(kind)
        if self.new or self.instance.kind != kind or "options" in self.data:
            return given
        stored = self.instance.options
        shown = self._dressed(RUNNERS[kind].options_form(prefix="options", initial=dict(stored)))
        return given | unchanged_fields.options_kept(shown, stored, self.data)

    @staticmethod
    def _dressed(form: OptionsForm) -> OptionsForm:
        """The form as the page shows it."""
        form.initial = credentials.masked(form.initial)
        for name, option in form.fields.items():
            value = form.initial.get(name)
            if name == "job_class":
                option.widget.attrs |= {"list": "job-classes", "spellcheck": "false", "class": "mono"}
            if isinstance(option.widget, forms.Textarea):
                option.widget.attrs |= {"rows": 3, "spellcheck": "false"}
            if name == SCRIPT_OPTION:
                option.widget.attrs |= EDITOR
            if isinstance(option, forms.JSONField) and value is None:
                # Shown as it is: an empty field rather than the word "null".
                form.initial[name] = InvalidJSONInput()
            elif isinstance(value, dict | list) and not isinstance(option, forms.JSONField):
                form.initial[name] = json.dumps(value, ensure_ascii=False)
        return form


class PauseForm(forms.Form):
    """Why, and until when; the time is meant in the job's zone."""

    reason = forms.CharField(label=_("Reason"), required=False, max_length=500)
    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def until_in(self, timezone: str) -> dt.datetime | None:
        """The moment in UTC. The field has read the digits in the active zone; they were meant in the job's."""
        value: dt.datetime | None = self.cleaned_data["until"]
        return value.replace(tzinfo=zone(timezone)).astimezone(dt.UTC) if value else None

    def clean_until(self) -> dt.datetime | None:
        return in_reach(self.cleaned_data["until"])


class RunForm(forms.Form):
    """The parameters of this one run."""

    metadata = StrictJSONField(label=_("Parameters for this run (JSON)"), required=False)
    # Shown to those who may, while starts are held.
    override_hold = forms.BooleanField(label=_("Start despite the hold"), required=False)
    # The same for every time that this very form is sent.
    key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean_metadata(self) -> dict[str, Any]:
        value = self.cleaned_data["metadata"]
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise ValidationError(_("The metadata must be a JSON object."))
        return value


def edge_rows(job: Job, user: User) -> list[dict[str, Any]]:
    """The stored edges of a job as the form's rows."""
    if not job.pk:
        return []
    edges = list(job.dependencies.select_related("after"))
    seen = Job.objects.visible_to(user).in_bulk([edge.after_id for edge in edges])
    return [
        {"job": edge.after.name, "on": edge.on}
        if edge.after_id in seen
        else {"job": str(edge.after.uid), "on": edge.on, "hidden": True}
        for edge in edges
    ]


def _id_of(text: str, found: uuid.UUID | None) -> str:
    """The id of a job by its name, or the text itself where it is an id. Raises ValidationError."""
    if found:
        return str(found)
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise ValidationError(
            _("Job %(name)s does not exist, or you may not use it."), params={"name": text[:200]}
        ) from error


def _as_meant(data: Any, job: Job | None) -> Any:
    """A copy of a form's data with the line ends that are meant; what was hidden and not sent is as it is stored."""
    if data is None:
        return data
    data = data.copy()
    for name in TEXTS:
        if isinstance(sent := data.get(f"options-{name}"), str):
            stored = job.options.get(name) if job else ""
            ends = data.get("line_ends", "") if name == SCRIPT_OPTION else ""
            data[f"options-{name}"] = line_ends.settled(sent, stored if isinstance(stored, str) else "", ends)
    if data.get("line_ends") == "mixed":
        data["line_ends"] = line_ends.ends_of(data.get(SCRIPT, ""))
    known = schedule_data(job.timing) | {"end_date": job.end_date} if job and job.pk else {}
    for name in (*SCHEDULE, "end_date"):
        if name not in data and known.get(name) not in (None, ""):
            data[name] = known[name]
    if "at" in known and data.get("timezone") == known["timezone"]:
        shown = f"{known['at']:{MOMENT}}"
        # Browsers leave out seconds that are 0 (HTML, 2.3.5.5).
        if data.get("at") in (shown, shown.removesuffix(":00")):
            # With what the field does not show: parts of a second, and which of two hours it is when the clocks go back.
            data["at"] = known["at"]
    return data


def version_of(job: Job) -> str:
    """What a form carries, to notice that somebody else has saved the job meanwhile."""
    return job.updated_at.isoformat()
