"""An option that is refused keeps its name and its reason apart, from its form to every surface."""

from __future__ import annotations

import pytest

from accounts.models import User
from conftest import Api
from jobs.forms.errors import OptionError
from jobs.forms.job import JobForm
from jobs.forms.page import PageJobForm
from jobs.tests.factories import form_values, somebody
from jobs.tests.pages import entries

MISSING = {"job_class": "jobs.classes.nowhere.Missing"}


@pytest.mark.django_db
def test_a_reason_with_colons_in_it_is_told_whole() -> None:
    form = JobForm(form_values(kind="python_class", options=MISSING), user=somebody())
    assert not form.is_valid()
    (error,) = form.option_errors
    assert error.option == "job_class"
    assert error.reason.startswith("The class cannot be loaded: ModuleNotFoundError: ")


@pytest.mark.django_db
def test_each_option_is_told_with_its_own_reason() -> None:
    options = {"target_url": "http://127.0.0.1/", "method": "FETCH"}
    found = {
        error.option: error.reason
        for error in _errors(JobForm(form_values(options=options), user=somebody()))
    }
    assert set(found) == {"target_url", "method"}
    page = PageJobForm(
        entries(options_target_url="http://127.0.0.1/", options_method="FETCH"), user=somebody()
    )
    assert {error.option: error.reason for error in _errors(page)} == found


def test_the_api_names_the_option_before_the_reason(api: Api, ada: User) -> None:
    body = {"name": "a", "cron_expression": "0 * * * *", "kind": "python_class", "options": MISSING}
    answer = api(ada).post("/api/v2/jobs", body, format="json").json()
    assert answer["error"] == "Invalid options"
    assert answer["message"].startswith("job_class: The class cannot be loaded: ModuleNotFoundError: ")


def _errors(form: JobForm) -> list[OptionError]:
    assert not form.is_valid()
    return form.option_errors
