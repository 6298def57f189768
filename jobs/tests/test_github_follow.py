"""Following a workflow run to its end, and what an early end does to it."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from jobs.runners.github_actions import follow
from jobs.runners.github_actions.request import safe_link

from .github_server import REPOSITORY, RUN, GitHub, github, run_workflow

__all__ = ["github"]

PAGE = "https://github.com/acme/tools/actions/runs/4242"


def test_a_run_ends_as_its_workflow_does_and_names_its_page(github: GitHub) -> None:
    outcome, log = run_workflow()
    assert (outcome.state, outcome.message, outcome.response_status) == ("success", "", 200)
    assert json.loads(outcome.result or "") == {"run_id": RUN, "conclusion": "success", "html_url": PAGE}
    assert outcome.target == "acme/tools/nightly.yml"
    assert PAGE in log
    assert re.findall(r"^(queued|in_progress|completed)$", log, re.M) == [
        "queued",
        "in_progress",
        "completed",
    ]
    assert len(github.dispatches) == 1


@pytest.mark.parametrize(
    ("conclusion", "state"),
    [
        ("success", "success"),
        ("neutral", "success"),
        ("skipped", "success"),
        ("failure", "failed"),
        ("cancelled", "failed"),
        ("timed_out", "failed"),
        ("action_required", "failed"),
        ("startup_failure", "failed"),
        ("stale", "failed"),
        (None, "failed"),
    ],
)
def test_the_conclusion_decides(github: GitHub, conclusion: str | None, state: str) -> None:
    github.course = [("completed", conclusion)]
    outcome, _log = run_workflow()
    assert (outcome.state, outcome.retryable) == (state, True)
    told = f"The workflow ended with the conclusion {conclusion or 'unknown'}"
    assert outcome.message == ("" if state == "success" else told)
    assert PAGE in (outcome.result or "")


def test_what_has_not_changed_is_asked_for_with_its_tag(github: GitHub) -> None:
    github.course = [("queued", None)] * 3 + [("completed", "success")]
    run_workflow()
    tags = [call.headers.get("If-None-Match") for call in github.of("GET", f"/runs/{RUN}")]
    assert tags == [None, '"queued"', '"queued"', '"queued"']


def test_a_limit_and_troubles_on_the_way_are_sat_out(github: GitHub) -> None:
    troubles = [(403, {"Retry-After": "0"}, {}), (502, {}, {}), (404, {}, {}), (200, {}, "no object")]
    github.instead = {("GET", f"/runs/{RUN}"): troubles}
    outcome, log = run_workflow()
    assert outcome.state == "success"
    assert "GitHub returned status 403; waiting 0 s" in log
    assert len(github.dispatches) == 1


def test_a_run_that_github_does_not_show_fails_and_is_not_started_again(github: GitHub) -> None:
    github.instead = {("GET", f"/runs/{RUN}"): [(404, {}, {"message": "Not Found"})] * follow.MOST_REFUSALS}
    outcome, _log = run_workflow()
    assert (outcome.state, outcome.retryable, outcome.response_status) == ("failed", False, 200)
    assert "started, but how it ended is not known: GitHub returned status 404: Not Found" in outcome.message
    assert PAGE in (outcome.result or "")


def test_a_job_may_only_start_its_workflow(github: GitHub) -> None:
    outcome, _log = run_workflow({"follow": False})
    assert (outcome.state, outcome.message) == ("success", "")
    assert PAGE in (outcome.result or "")
    assert len(github.calls) == 1
    github.modern = False
    outcome, _log = run_workflow({"follow": False})
    assert (outcome.state, outcome.message, outcome.response_status) == ("success", "", 204)


# Servers that do not tell which run it became ------------------------------------------------------------------------


def test_an_older_server_is_asked_again_without_what_it_does_not_know(github: GitHub) -> None:
    github.knows_details = github.modern = False
    outcome, _log = run_workflow()
    assert outcome.state == "success"
    assert [("return_run_details" in call.body) for call in github.dispatches] == [True, False]


def test_the_only_run_since_then_is_followed(github: GitHub) -> None:
    github.modern = False
    github.course = [("in_progress", None), ("completed", "failure")]
    outcome, _log = run_workflow()
    assert (outcome.state, outcome.response_status) == ("failed", 204)
    assert json.loads(outcome.result or "")["run_id"] == RUN
    asked = github.of("GET", "/workflows/nightly.yml/runs")[0].query
    assert (asked["event"], asked["branch"]) == ("workflow_dispatch", "master")
    assert asked["created"].startswith(">=20")
    assert len(github.dispatches) == 1


@pytest.mark.parametrize(
    ("branch", "foreign"), [("master", 1), ("release", 0)], ids=["several", "none on the branch"]
)
def test_where_it_is_in_doubt_nothing_is_guessed(github: GitHub, branch: str, foreign: int) -> None:
    github.modern, github.foreign = False, foreign
    outcome, _log = run_workflow(metadata={"branchDetails": branch})
    assert (outcome.state, outcome.response_status, outcome.result) == ("success", 204, None)
    assert "how that ends is not known" in outcome.message
    assert github.of("GET", f"/runs/{RUN}") == []


def test_a_list_that_may_not_be_read_leaves_the_end_unknown(github: GitHub) -> None:
    github.modern = False
    github.instead = {("GET", "/runs"): [(403, {}, {})]}
    assert "not known" in run_workflow()[0].message


# An early end --------------------------------------------------------------------------------------------------------


def test_a_stop_cancels_the_workflow(github: GitHub) -> None:
    github.course = [("in_progress", None)]

    def stop(cancelled: asyncio.Event) -> None:
        assert github.watched.wait(10)
        cancelled.set()

    outcome, _log = run_workflow(during=stop, stop_grace=10.0)
    assert (outcome.state, outcome.response_status) == ("stopped", 200)
    assert outcome.message == "Stopped. The workflow ended with the conclusion cancelled"
    assert PAGE in (outcome.result or "")
    assert [call.path for call in github.of("POST", "cancel")] == [f"{REPOSITORY}/actions/runs/{RUN}/cancel"]


def test_one_that_does_not_heed_it_is_forced_after_the_grace(github: GitHub) -> None:
    github.course, github.on_cancel = [("in_progress", None)], None

    def stop(cancelled: asyncio.Event) -> None:
        assert github.watched.wait(10)
        cancelled.set()

    outcome, _log = run_workflow(during=stop, stop_grace=0.3)
    assert outcome.message == "Stopped. The workflow was cancelled by force"
    assert [call.path.split("/")[-1] for call in github.of("POST", "cancel")] == ["cancel", "force-cancel"]


def test_a_time_limit_cancels_the_workflow(github: GitHub) -> None:
    github.course = [("in_progress", None)]
    outcome, _log = run_workflow(timeout=0.5, stop_grace=10.0)
    assert (outcome.state, outcome.retryable) == ("timeout", True)
    assert outcome.message == "Not finished within 0.5 s. The workflow ended with the conclusion cancelled"


def test_a_cancellation_that_is_refused_is_told_and_no_second_workflow_started(github: GitHub) -> None:
    github.course = [("in_progress", None)]
    github.instead = {("POST", "/cancel"): [(403, {}, {"message": "Forbidden"})]}
    outcome, _log = run_workflow(timeout=0.5)
    assert "The workflow could not be cancelled: GitHub returned status 403: Forbidden" in outcome.message
    assert not outcome.retryable


def test_a_stop_during_the_dispatch_waits_for_its_answer_and_cancels(github: GitHub) -> None:
    github.slow, github.course = 0.3, [("in_progress", None)]

    def stop(cancelled: asyncio.Event) -> None:
        assert github.began.wait(10)
        cancelled.set()

    outcome, _log = run_workflow(during=stop, stop_grace=10.0)
    assert outcome.message == "Stopped. The workflow ended with the conclusion cancelled"
    assert len(github.of("POST", "/cancel")) == len(github.dispatches) == 1


def test_what_is_not_known_after_a_stop_is_not_claimed(github: GitHub) -> None:
    def stop(cancelled: asyncio.Event) -> None:
        assert github.began.wait(10)
        cancelled.set()

    github.slow = 5.0
    outcome, _log = run_workflow(during=stop, stop_grace=0.1)
    assert outcome.message == "Stopped. Whether GitHub has started the workflow is not known"
    github.began.clear()
    github.slow, github.modern = 0.2, False
    outcome, _log = run_workflow(during=stop, stop_grace=10.0)
    assert outcome.message == "Stopped. The workflow was started, but its run is not known and goes on"
    assert outcome.response_status == 204
    assert github.of("POST", "/cancel") == []


def test_a_run_that_was_stopped_before_it_began_starts_nothing(github: GitHub) -> None:
    outcome, _log = run_workflow(stopped=True)
    assert (outcome.state, github.calls) == ("stopped", [])


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        (PAGE, True),
        ("http://git.inner:8080/x/y", True),
        ("javascript:alert(1)", False),
        ("https://user@host/", False),
        ("https://host/ x", False),
        ("https://host/\"onclick='", False),
        ("https:///x", False),
        ("https://[x", False),
        ("https://host/" + "x" * 500, False),
        (None, False),
        (5, False),
    ],
)
def test_only_an_ordinary_address_becomes_a_link(url: object, safe: bool) -> None:
    assert safe_link(url) == (url if safe else "")
