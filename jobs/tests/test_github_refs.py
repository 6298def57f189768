"""The name of a branch or tag is one that git takes, and no option of a command."""

from __future__ import annotations

import pytest

from jobs.runners import RUNNERS
from jobs.runners.github_actions.forms import is_ref
from jobs.runners.github_actions.request import Unsendable, order
from jobs.tests.running import spec_for

BAD = (
    "-x",
    "--upload-pack=x",
    ".a",
    "a/.b",
    "a..b",
    "a//b",
    "/a",
    "a/",
    "a.",
    "a.lock",
    "a.lock/b",
    "@",
    "a@{b",
    "a b",
)


@pytest.mark.parametrize("name", [*BAD, "a\u202eb", "a\u2028b", "a\x7f"])
def test_what_git_refuses_is_refused(name: str) -> None:
    assert not is_ref(name)


@pytest.mark.parametrize("name", ["main", "feature/x-1", "v1.2.3", "a-b", "ä/日本", "refs/heads/main", "a@b"])
def test_what_git_takes_is_taken(name: str) -> None:
    assert is_ref(name)


@pytest.mark.parametrize("name", ["-x", "a\u202eb"])
def test_metadata_name_no_option_either(name: str) -> None:
    options = {"owner": "octo", "repo": "app", "workflow": "test.yml"}
    with pytest.raises(Unsendable):
        order(spec_for("github_actions", options, metadata={"branchDetails": name}))
    assert RUNNERS["github_actions"]
