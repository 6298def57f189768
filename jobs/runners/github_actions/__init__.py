"""GitHub Actions jobs: start a workflow and follow its run to the end.

options   owner, repo, workflow, and optionally ref (a branch or tag), follow (false: only start it)
secrets   "github_token": the token of this job; without one GITHUB_TOKEN of the settings is used

The job's metadata are the workflow's inputs; `branchDetails` among them names the branch (wire facts, section 6).
A run that was lost with its worker is not followed any further, and its workflow is not started a second time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from ..base import Context, IORunner, Outcome
from .forms import GitHubActionsForm


class GitHubActionsRunner(IORunner):
    """Starts a workflow; a coroutine per run that is followed."""

    kind = "github_actions"
    label = _("GitHub Actions")
    about = _("Starts a GitHub Actions workflow and waits for its result.")
    secret_names = frozenset({"github_token"})
    secrets_help = _("github_token is the token for this job; without one the server's own is used.")
    options_form = GitHubActionsForm
    default_timeout = 3600.0

    def target(self, options: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
        return "/".join(str(options.get(name, "")) for name in ("owner", "repo", "workflow"))

    def audience(self, options: Mapping[str, Any]) -> str:
        return str(options.get("owner", "")).lower()

    async def run(self, context: Context[asyncio.Event]) -> Outcome:
        from .run import run  # aiohttp is heavy, and the pages only need the form

        return await run(context)


async def probe(
    owner: str, repo: str, workflow: str, ref: str, inputs: Mapping[str, Any], token: str, timeout: float
) -> tuple[bool, int | None, str]:
    """Starts a workflow once and follows nothing (wire facts, section 8): whether it was accepted, the status, a text.

    `timeout` is in seconds. The status is None when nothing was sent or nobody answered. Raises nothing.
    """
    from .dispatch import try_out

    return await try_out({"owner": owner, "repo": repo, "workflow": workflow}, ref, inputs, token, timeout)


__all__ = ["GitHubActionsForm", "GitHubActionsRunner", "probe"]
