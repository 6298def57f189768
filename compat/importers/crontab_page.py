"""The page for a crontab: the report of `import_crontab` first, and its jobs when somebody says so.

What was looked at is sent along with the answer and back with the button: so exactly that is imported. It may be sent
twice, for the same lines of the same source make no second job.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.pages.request import PageRequest, actor
from compat.importers.crontab import Choices, Import
from compat.importers.crontab_lines import LARGEST, NoText, decoded
from jobs import schedule
from jobs.csv_upload.upload import limited
from scheduler_site.lib import clock

ENCODINGS = ("UTF-8", "ISO-8859-1", "ISO-8859-15", "Windows-1252", "EUC-JP", "Shift_JIS", "Big5", "GB18030")
SHOWN_ROWS = 200
USER_COLUMN = {"": None, "yes": True, "no": False}


class CrontabForm(forms.Form):
    """A file or a text, and what a crontab does not say of itself."""

    file = forms.FileField(label=gettext_lazy("Crontab file"), required=False)
    text = forms.CharField(
        label=gettext_lazy("or paste it"),
        required=False,
        strip=False,
        max_length=LARGEST,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false", "wrap": "off"}),
        help_text=gettext_lazy("As “crontab -l” writes it."),
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("Encoding of the file"),
        required=False,
        choices=[(name.lower(), name) for name in ENCODINGS],
    )
    source = forms.CharField(
        label=gettext_lazy("Source"),
        required=False,
        max_length=100,
        help_text=gettext_lazy(
            "Such as the name of the machine. The same line of another source is another job. Of a file its name, unless set."
        ),
    )
    timezone = forms.CharField(label=gettext_lazy("Time zone of the machine"), required=False, max_length=64)
    home = forms.CharField(
        label=gettext_lazy("Home directory"),
        required=False,
        max_length=4095,
        help_text=gettext_lazy("In which its lines run, where the crontab sets no HOME."),
    )
    user_column = forms.ChoiceField(
        label=gettext_lazy("Column of users"),
        required=False,
        choices=[
            ("", gettext_lazy("guess")),
            ("yes", gettext_lazy("the sixth field is an account, as in /etc/crontab")),
            ("no", gettext_lazy("there is none, as in a user's crontab")),
        ],
    )
    disabled = forms.BooleanField(label=gettext_lazy("Create the jobs paused"), required=False)

    def clean_timezone(self) -> str:
        try:
            return schedule.zone(self.cleaned_data["timezone"] or settings.SCHEDULER_TIMEZONE).key
        except schedule.ScheduleError as error:
            raise ValidationError(str(error)) from error

    def clean_home(self) -> str:
        home: str = self.cleaned_data["home"]
        if home and not home.startswith("/"):
            raise ValidationError(_("Write an absolute path, such as /home/belfry."))
        return home

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        file = cleaned.get("file")
        if file is not None:
            try:
                cleaned["text"] = decoded(file.read(LARGEST + 1), cleaned.get("encoding") or "utf-8")
            except NoText as error:
                self.add_error("file", str(error))
        elif not self.errors and not cleaned["text"].strip():
            self.add_error("file", _("Choose a file, or paste its text."))
        cleaned["named"] = bool(cleaned.get("source"))
        if file is not None and not cleaned["named"]:
            cleaned["source"] = file.name
        elif not self.errors and not cleaned["source"]:
            self.add_error("source", _("Name the source of this text, such as the machine."))
        return cleaned

    def choices(self) -> Choices:
        cleaned = self.cleaned_data
        return Choices(
            cleaned["source"],
            cleaned["timezone"],
            named=cleaned["named"],
            user_column=USER_COLUMN[cleaned["user_column"]],
            home=cleaned["home"],
            disabled=cleaned["disabled"],
        )


class ConfirmedForm(CrontabForm):
    """What was looked at, hidden behind the button; `named` as it was then."""

    file = None  # type: ignore[assignment]
    named = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        named = self.cleaned_data.get("named", False)
        return super().clean() | {"named": named}


@limited
def page(request: PageRequest) -> HttpResponse:
    if not (request.user.has_perm("jobs.add_job") and request.user.has_perm("jobs.run_code")):
        raise PermissionDenied(_("You may not create or change jobs that run code."))
    if request.method == "GET":
        form = CrontabForm(initial={"timezone": settings.SCHEDULER_TIMEZONE})
        return render(request, "compat/crontab.html", {"form": form})
    confirmed = "confirm" in request.POST
    form = ConfirmedForm(request.POST) if confirmed else CrontabForm(request.POST, request.FILES)
    if not form.is_valid():
        # What cannot be confirmed was not what the page had offered: it is shown to be corrected.
        shown = CrontabForm(request.POST, request.FILES) if confirmed else form
        return render(request, "compat/crontab.html", {"form": shown}, status=400)
    found = Import(form.cleaned_data["text"], clock.now(), form.choices())
    if confirmed:
        try:
            found.apply(actor(request))
        except IntegrityError:
            form.add_error(None, _("Another job was created meanwhile. Try again."))
            confirmed = False
    return render(request, "compat/crontab_report.html", _report(found, form, done=confirmed))


def _report(found: Import, form: CrontabForm, *, done: bool) -> dict[str, object]:
    counts = {fate: sum(row.fate == fate for row in found.rows) for fate in ("new", "here", "error")}
    button = ngettext("Create %(count)d job", "Create %(count)d jobs", counts["new"]) % {
        "count": counts["new"]
    }
    values = form.cleaned_data | {"encoding": ""}
    hidden = ConfirmedForm(initial={name: value for name, value in values.items() if name != "file"})
    return {
        "remarks": found.remarks,
        "rows": found.rows[:SHOWN_ROWS],
        "more": max(len(found.rows) - SHOWN_ROWS, 0),
        "counts": counts,
        "done": done,
        "button": button,
        "hidden": hidden,
        "problems": form.non_field_errors(),
    }


urlpatterns = [path("jobs/import-crontab", page, name="crontab-import")]
