"""Starting a workflow: what is sent, which names are tried, and what a refusal means."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from jobs.runners.github_actions import client, probe

from .github_server import OPTIONS, REPOSITORY, TOKEN, GitHub, github, run_workflow

__all__ = ["github"]


def test_the_metadata_are_the_inputs_and_name_the_branch(github: GitHub) -> None:
    metadata = {"branchDetails": "release", "n": 5, "x": 1.5, "dry": True, "no": None, "list": [1, "ä"]}
    outcome, _log = run_workflow(metadata=metadata)
    assert (outcome.state, outcome.response_status) == ("success", 200)
    (call,) = github.dispatches
    assert call.path == f"{REPOSITORY}/actions/workflows/nightly.yml/dispatches"
    assert call.body["ref"] == "release"
    assert call.body["inputs"] == {
        "branchDetails": "release", "n": "5", "x": "1.5", "dry": "true", "no": "", "list": '[1, "ä"]',
    }  # fmt: skip
    assert call.headers["Authorization"] == f"Bearer {TOKEN}"
    assert call.headers["User-Agent"].startswith("Belfry/")


@pytest.mark.parametrize(
    ("options", "metadata", "ref"),
    [
        ({}, {}, "master"),
        ({}, {"branchDetails": ""}, "master"),
        ({"ref": "v1"}, {}, "v1"),
        ({"ref": "v1"}, {"branchDetails": "v2"}, "v2"),
    ],
)
def test_without_a_branch_it_is_that_of_the_job_or_master(
    github: GitHub, options: dict[str, Any], metadata: dict[str, Any], ref: str
) -> None:
    run_workflow({"follow": False, **options}, metadata=metadata)
    assert [call.body["ref"] for call in github.dispatches] == [ref]


def test_the_token_of_the_job_goes_before_that_of_the_settings(github: GitHub) -> None:
    run_workflow({"follow": False}, secrets={"github_token": "of-the-job\n"})
    assert github.dispatches[0].headers["Authorization"] == "Bearer of-the-job"


@pytest.mark.parametrize("token", ["", "two words", "line\r\nX-Header: 1", "tökèn"])
def test_without_a_token_that_can_be_sent_nothing_is_sent(
    github: GitHub, settings: Settings, token: str
) -> None:
    settings.GITHUB_TOKEN = ""
    outcome, _log = run_workflow(secrets={"github_token": token})
    assert (outcome.state, outcome.retryable, outcome.target) == ("failed", False, "acme/tools/nightly.yml")
    assert "token" in outcome.message
    assert github.calls == []


def test_more_inputs_than_a_workflow_takes_are_refused_and_not_cut(github: GitHub) -> None:
    outcome, _log = run_workflow(metadata={str(number): "x" for number in range(26)})
    assert (outcome.state, outcome.retryable) == ("failed", False)
    assert "at most 25 inputs, and the metadata have 26" in outcome.message
    assert github.calls == []


@pytest.mark.parametrize(
    ("workflow", "exists", "tried"),
    [
        ("nightly", "nightly.yml", ["nightly", "nightly.yml"]),
        ("nightly", "nightly.yaml", ["nightly", "nightly.yml", "nightly.yaml"]),
        ("1234", "", ["1234"]),
        ("other.yml", "", ["other.yml"]),
    ],
)
def test_a_name_without_its_extension_is_tried_with_one(
    github: GitHub, workflow: str, exists: str, tried: list[str]
) -> None:
    github.workflows = {exists}
    outcome, _log = run_workflow({"workflow": workflow})
    assert [call.path.split("/")[-2] for call in github.dispatches] == tried
    if exists:
        assert (outcome.state, outcome.target) == ("success", f"acme/tools/{exists}")
    else:
        assert (outcome.state, outcome.response_status, outcome.retryable) == ("failed", 404, False)
        assert outcome.message == "GitHub returned status 404: Not Found"


@pytest.mark.parametrize(
    ("status", "headers", "words", "retryable", "wait"),
    [
        (401, {}, "Bad credentials", False, None),
        (403, {}, "Resource not accessible by personal access token", False, None),
        (403, {}, "You have exceeded a secondary rate limit", True, 60.0),
        (403, {"Retry-After": "30"}, "", True, 30.0),
        (429, {"Retry-After": "99999"}, "", True, 3600.0),
        (422, {}, "Unexpected inputs provided", False, None),
        (500, {}, "", True, None),
        (503, {"Retry-After": "7"}, "", True, 7.0),
    ],
)
def test_only_a_refusal_that_may_pass_is_worth_another_attempt(
    github: GitHub, status: int, headers: dict[str, str], words: str, retryable: bool, wait: float | None
) -> None:
    github.instead = {("POST", "/dispatches"): [(status, headers, {"message": words})]}
    outcome, _log = run_workflow()
    assert (outcome.state, outcome.response_status) == ("failed", status)
    assert (outcome.retryable, outcome.retry_after) == (retryable, wait)
    assert outcome.message.startswith(f"GitHub returned status {status}")
    assert words in outcome.message
    assert len(github.calls) == 1


def test_a_limit_that_is_used_up_is_waited_for_until_its_reset(github: GitHub) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 600)}
    github.instead = {("POST", "/dispatches"): [(403, headers, {})]}
    wait = run_workflow()[0].retry_after
    assert wait is not None
    assert 500 < wait <= 600


def test_a_server_that_nobody_answers_for_may_be_tried_again(github: GitHub, settings: Settings) -> None:
    settings.GITHUB_API_URL = "http://127.0.0.1:9"
    outcome, _log = run_workflow()
    assert (outcome.state, outcome.response_status, outcome.retryable) == ("failed", None, True)
    assert "could not be called" in outcome.message


def test_a_server_that_does_not_answer_in_time_may_be_tried_again(
    github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.slow = 5.0
    monkeypatch.setattr(client, "CALL_SECONDS", 0.1)
    outcome, _log = run_workflow()
    assert (outcome.state, outcome.retryable) == ("failed", True)
    assert "did not answer within 0.1 s" in outcome.message


def test_the_token_is_seen_nowhere_even_if_the_other_side_repeats_it(github: GitHub) -> None:
    github.instead = {("POST", "/dispatches"): [(422, {}, {"message": f"Not with {TOKEN}!"})]}
    outcome, log = run_workflow()
    assert "[secret]" in outcome.message
    assert "[secret]" in outcome.output
    github.link = f"https://github.com/{TOKEN}"
    assert TOKEN not in f"{outcome}{log}{run_workflow()}"


def test_a_renamed_repository_is_followed_on_the_same_host_only(github: GitHub) -> None:
    renamed = "/repositories/77/actions/workflows/nightly.yml/dispatches"
    github.instead = {
        ("POST", "tools/actions/workflows/nightly.yml/dispatches"): [(307, {"Location": renamed}, {})]
    }
    assert run_workflow()[0].state == "success"
    assert [call.path for call in github.dispatches][1] == renamed
    assert github.dispatches[1].body["ref"] == "master"
    elsewhere = github.url.replace("127.0.0.1", "localhost") + renamed
    github.instead = {("POST", "/dispatches"): [(307, {"Location": elsewhere}, {})]}
    github.calls.clear()
    outcome, _log = run_workflow()
    assert (outcome.state, outcome.response_status, len(github.calls)) == ("failed", 307, 1)


def test_the_host_of_the_settings_may_be_an_inner_one_by_name_too(github: GitHub, settings: Settings) -> None:
    settings.GITHUB_API_URL = github.url.replace("127.0.0.1", "localhost") + "/api/v3"
    assert run_workflow()[0].state == "success"
    assert github.dispatches[0].path.startswith("/api/v3/repos/acme/")


# The test run of the API, which starts a workflow and follows nothing ------------------------------------------------


def try_out(
    github: GitHub, ref: str = "main", token: str = TOKEN, **changes: Any
) -> tuple[bool, int | None, str]:
    values = OPTIONS | changes
    metadata = values.pop("inputs", {})
    names = (values["owner"], values["repo"], values["workflow"])
    return asyncio.run(probe(*names, ref, metadata, token, 5.0))


def test_a_trial_is_one_dispatch_by_the_very_name(github: GitHub) -> None:
    assert try_out(github, inputs={"n": 1}) == (True, 200, "Workflow dispatched")
    assert try_out(github)[0]
    assert [call.body for call in github.calls] == [{"ref": "main", "inputs": {"n": "1"}}, {"ref": "main"}]
    assert try_out(github, workflow="nightly") == (False, 404, "GitHub returned status 404: Not Found")
    assert len(github.calls) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"repo": ".."}, "repo: This is not a GitHub repository name."),
        ({"owner": "a/b"}, "owner: This is not"),
        ({"ref": "a b"}, "ref: This is not the name of a branch"),
        ({"token": ""}, "There is no GitHub token"),
        ({"inputs": dict.fromkeys(map(str, range(26)))}, "at most 25 inputs"),
    ],
)
def test_a_trial_that_cannot_be_made_sends_nothing(
    github: GitHub, changes: dict[str, Any], words: str
) -> None:
    ok, status, text = try_out(github, **changes)
    assert (ok, status) == (False, None)
    assert words in text
    assert github.calls == []


def test_a_trial_without_an_answer_says_so(github: GitHub, settings: Settings) -> None:
    settings.GITHUB_API_URL = "http://127.0.0.1:9"
    ok, status, text = try_out(github)
    assert (ok, status) == (False, None)
    assert "could not be called" in text
