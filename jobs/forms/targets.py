"""The targets of webhook and GitHub jobs, in the keys and short forms of the v2 dialect (wire facts, sections 5.1 and 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from django.conf import settings

from jobs.models import Job
from scheduler_site.rest.schema_types import Rules

# The keys of the dialect; a job may have all four, and GitHub wins.
GITHUB_KEYS = {"github_owner": "owner", "github_repo": "repo", "github_workflow_name": "workflow"}
TARGET_KEYS = ("target_url", *GITHUB_KEYS)
TARGET_KINDS = (Job.Kind.WEBHOOK, Job.Kind.GITHUB_ACTIONS)

_DISPATCH = re.compile(
    r"(?:https://api\.github\.com/repos/|https://github\.com/|/)?"
    r"([^/\s]+)/([^/\s]+)/actions/workflows/([^/\s]+?)(?:/dispatches)?/?"
)


class GitHubKeys(TypedDict):
    github_owner: Annotated[str | None, "The owner of the repository, where it is not the usual one."]
    github_repo: Annotated[str | None, "The repository."]
    github_workflow_name: Annotated[
        str | None, "The workflow: its file or its number.", Rules(examples=["backup.yml"])
    ]


class Target(GitHubKeys):
    target_url: Annotated[str | None, "The address of a webhook."]


def target(kind: str, options: Mapping[str, Any]) -> Target:
    """The four keys of a job; null where they do not apply."""
    github = options if kind == Job.Kind.GITHUB_ACTIONS else {}
    return {
        "target_url": options.get("target_url") if kind in TARGET_KINDS else None,
        "github_owner": github.get("owner"),
        "github_repo": github.get("repo"),
        "github_workflow_name": github.get("workflow"),
    }


def with_target(
    kind: str, options: Mapping[str, Any], given: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """Kind and options of a job after the four keys were set: an empty text clears one.

    A complete GitHub trio makes a GitHub job, a URL alone a webhook; the default owner is for jobs without a URL.
    Without either the kind stays, and a webhook or GitHub job has no options left. Options that the dialect does not
    know stay as long as the kind does.
    """
    wanted = {key: value or "" for key, value in {**target(kind, options), **given}.items()}
    if parts := shorthand(given.get("target_url", "")):
        wanted = {"target_url": "", **dict(zip(GITHUB_KEYS, parts, strict=True))}
    url = wanted["target_url"]
    github = {name: wanted[key] for key, name in GITHUB_KEYS.items()}
    github["owner"] = github["owner"] or ("" if url else settings.DEFAULT_GITHUB_OWNER)
    if all(github.values()):
        more = {name: value for name, value in options.items() if name not in (*github, "target_url")}
        more = more if kind == Job.Kind.GITHUB_ACTIONS else {}
        return Job.Kind.GITHUB_ACTIONS, more | github | ({"target_url": url} if url else {})
    if url:
        return Job.Kind.WEBHOOK, {**(options if kind == Job.Kind.WEBHOOK else {}), "target_url": url}
    return kind, dict(options) if kind in Job.CODE_KINDS else {}


def shorthand(text: str) -> tuple[str, ...] | None:
    """`owner/repo/workflow`: three segments, no scheme, no dot in the first."""
    parts = tuple(text.strip().split("/"))
    return parts if len(parts) == 3 and all(parts) and "." not in parts[0] and "://" not in text else None


def dispatched(text: str) -> tuple[str, ...] | None:
    """Owner, repository and workflow of a dispatch address in any of its four forms; None for other texts."""
    match = _DISPATCH.fullmatch(text.strip())
    return match.groups() if match else shorthand(text)
