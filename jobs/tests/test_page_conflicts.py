"""Two people edit one job: what the other saved meanwhile is shown field by field, and saving needs a choice."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from accounts.models import User
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.forms import as_sent
from jobs.tests.pages import browser


@pytest.fixture
def job(uma: User, ada: User) -> Job:
    return make_job(
        uma, name="nightly", description="first", options={"target_url": "https://1.1.1.1/a", "body": "x"}
    )


def form_of(user: User, job: Job, **changes: Any) -> dict[str, Any]:
    """The form as it is opened, with these fields changed."""
    sent = as_sent(browser(user).get(f"/jobs/{job.uid}/edit").content.decode(), "schedule_kind")
    return dict(sent.lists()) | {
        name.replace("options_", "options-"): value for name, value in changes.items()
    }


def save(user: User, job: Job, form: dict[str, Any]) -> HttpResponse:
    answer = browser(user).post(f"/jobs/{job.uid}/edit", form)
    assert isinstance(answer, HttpResponse)
    return answer


def asked(answer: HttpResponse) -> tuple[dict[str, str], dict[str, Any]]:
    """What is to be decided, with what is chosen already, and the form as it stands on the page."""
    assert answer.status_code == 409
    rows = answer.context["conflict"]  # type: ignore[attr-defined]
    form = dict(as_sent(answer.content.decode(), "schedule_kind").lists())
    return {row.name: row.chosen for row in rows}, form


def test_a_field_that_both_changed_needs_a_choice_and_nothing_typed_is_lost(
    uma: User, ada: User, job: Job
) -> None:
    mine = form_of(uma, job, name="mine", timeout="7")
    assert save(ada, job, form_of(ada, job, name="theirs")).status_code == 302
    answer = save(uma, job, mine)
    rows, form = asked(answer)
    assert rows == {"name": ""}
    assert Job.objects.get().name == "theirs"
    page = answer.content.decode()
    assert "ada changed this job" in page
    assert (form["name"], form["timeout"]) == (["mine"], ["7"])
    # Without a choice it is asked again, as often as somebody tries.
    assert asked(save(uma, job, form))[0] == {"name": ""}
    assert save(uma, job, form | {"choice-name": "mine"}).status_code == 302
    assert (Job.objects.get().name, Job.objects.get().timeout) == ("mine", 7)


def test_what_the_other_changed_alone_stays_unless_it_is_chosen_otherwise(
    uma: User, ada: User, job: Job
) -> None:
    mine = form_of(uma, job, name="mine")
    save(ada, job, form_of(ada, job, description="theirs", options_body="y", expression="5 * * * *"))
    rows, form = asked(save(uma, job, mine))
    assert rows == {"description": "theirs", "options.body": "theirs", "schedule": "theirs"}
    assert save(uma, job, form | {"choice-options.body": "mine"}).status_code == 302
    saved = Job.objects.get()
    assert (saved.name, saved.description, saved.options["body"]) == ("mine", "theirs", "x")
    assert saved.timing.expression == "5 * * * *"


def test_jobs_to_run_after_are_a_field_like_any_other(uma: User, ada: User, job: Job) -> None:
    make_job(ada, name="first of all")
    mine = form_of(uma, job, name="mine")
    edge = {"depends_on-job": ["first of all", "", ""], "depends_on-on": ["failure", "success", "success"]}
    save(ada, job, form_of(ada, job) | edge)
    answer = save(uma, job, mine)
    rows, form = asked(answer)
    assert rows == {"depends_on": "theirs"}
    assert "first of all (failure)" in answer.content.decode()
    save(uma, job, form)
    assert Job.objects.get(pk=job.pk).dependencies.get().on == "failure"


def test_both_having_entered_the_same_is_no_question(uma: User, ada: User, job: Job) -> None:
    mine = form_of(uma, job, description="same")
    save(ada, job, form_of(ada, job, description="same"))
    rows, form = asked(save(uma, job, mine))
    assert rows == {}
    assert save(uma, job, form).status_code == 302


def test_a_third_who_saves_meanwhile_is_a_conflict_again(uma: User, ada: User, job: Job) -> None:
    mine = form_of(uma, job, name="mine")
    save(ada, job, form_of(ada, job, name="theirs"))
    _rows, form = asked(save(uma, job, mine))
    save(ada, job, form_of(ada, job, name="theirs again"))
    rows, _form = asked(save(uma, job, form | {"choice-name": "mine"}))
    assert rows == {"name": "mine"}
    assert Job.objects.get().name == "theirs again"


def test_without_a_record_of_what_was_read_every_difference_is_a_question(
    uma: User, ada: User, job: Job
) -> None:
    mine = form_of(uma, job, name="mine", version="2001-01-01T00:00:00+00:00")
    save(ada, job, form_of(ada, job, description="theirs"))
    assert asked(save(uma, job, mine))[0] == {"name": "", "description": ""}


@pytest.mark.parametrize("version", ["", "x", "9999-12-31T23:59:59+00:00", "\0"])
def test_rubbish_for_a_version_is_a_conflict_and_no_error(uma: User, job: Job, version: str) -> None:
    answer = save(uma, job, form_of(uma, job, name="mine", version=version))
    assert answer.status_code in (200, 409)
    assert Job.objects.get().name == "nightly"
