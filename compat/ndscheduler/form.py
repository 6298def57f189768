"""The job form without the fields that this dialect does not know."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from jobs.forms.job import JobForm
from jobs.models import Job
from jobs.runners import RUNNERS, Runner
from jobs.runners.python_class import PythonClassForm, PythonClassRunner
from scheduler_site.lib.text import INVISIBLE, unseen


class AnyClassForm(PythonClassForm):
    """The class is not looked for: a job with an unknown one is made, and its runs cannot be started (v1 wire facts, 3)."""

    def clean_job_class(self) -> str:
        path: str = self.cleaned_data["job_class"]
        return path


class AnyClassRunner(PythonClassRunner):
    options_form = AnyClassForm


class V1JobForm(JobForm):
    """No end date and no team can be named in this dialect, so none is asked for. Names are made free before (payload.py)."""

    end_date_policy = "optional"

    @staticmethod
    def runner(kind: str) -> Runner:
        return AnyClassRunner() if kind == Job.Kind.PYTHON_CLASS else RUNNERS[kind]

    def clean_name(self) -> str:
        """Clients of this dialect have names of several lines."""
        name: str = self.cleaned_data["name"]
        if "name" in self.changed_data and (sign := unseen(name, lines=True)):
            raise ValidationError(INVISIBLE, params={"sign": sign})
        return name

    def validate_unique(self) -> None:
        """The database has the last word: the request is tried again with another name."""
