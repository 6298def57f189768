"""Starting a workflow, and finding the run that it became."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from ..base import Outcome
from ..masking import Mask
from .client import Api, NoAnswer
from .forms import GitHubActionsForm
from .request import (
    Answer,
    DispatchRequest,
    Unsendable,
    Workflow,
    WorkflowRun,
    checked_token,
    inputs,
    refused,
    started,
)

Say = Callable[[str], None]

# Seconds before each look for a run whose number the server did not tell.
LOOKS = (1.0, 2.0, 3.0, 4.0, 5.0)


@dataclass(frozen=True)
class Accepted:
    """A dispatch that GitHub took: under which name, and which run it became where that is known.

    `since` is the moment of the dispatch by GitHub's clock, at the latest.
    """

    workflow: Workflow
    status: int
    run: WorkflowRun | None
    since: dt.datetime | None


async def dispatch(api: Api, order: DispatchRequest, say: Say) -> Accepted | Outcome:
    """Starts the workflow, once; the outcome says why it was not accepted.

    A name without its extension is tried with one when there is no such workflow (wire facts, section 6).
    """
    begun = time.monotonic()
    try:
        for workflow in (order.workflow, *order.workflow.other_names()):
            answer = await _send(api, workflow, order, say)
            if answer.is_ok:
                since = _moment(answer, time.monotonic() - begun)
                return Accepted(workflow, answer.status, started(workflow, answer.data), since)
            if answer.status != 404:
                break
        return refused(answer, time.time())
    except NoAnswer as problem:
        say(str(problem))
        return Outcome("failed", str(problem))


async def _send(api: Api, workflow: Workflow, order: DispatchRequest, say: Say) -> Answer:
    """Asks for the number of the run; a server that does not know this wish refuses it before it starts anything."""
    body = {"ref": order.ref, "inputs": order.inputs}
    path = f"{workflow.path}/dispatches"
    say(f"POST {path} (ref {order.ref})")
    answer = await api.call("POST", path, body=body | {"return_run_details": True})
    if answer.status in (400, 422) and "return_run_details" in answer.text:
        answer = await api.call("POST", path, body=body)
    say(answer.problem if not answer.is_ok else f"GitHub accepted it with status {answer.status}")
    return answer


async def find(api: Api, order: DispatchRequest, accepted: Accepted) -> WorkflowRun | None:
    """The run of a dispatch whose answer did not name it (older servers); None unless there is no doubt.

    There is none when exactly one run was started by hand on this branch since then, seen twice: while others
    start the same workflow, nobody can tell which of the runs is whose.
    """
    if accepted.since is None:
        return None
    seen: WorkflowRun | None = None
    for pause in LOOKS:
        await asyncio.sleep(pause)
        try:
            found = await _candidates(api, order, accepted.workflow, accepted.since)
        except NoAnswer:
            continue
        if found is None or len(found) > 1:
            return None
        if found and seen and found[0].id == seen.id:
            return found[0]
        seen = found[0] if found else None
    return None


async def _candidates(
    api: Api, order: DispatchRequest, workflow: Workflow, since: dt.datetime
) -> list[WorkflowRun] | None:
    """The runs that may be it; None when the list may not be read."""
    wanted = {
        "event": "workflow_dispatch",
        "branch": order.branch,
        "created": f">={since:%Y-%m-%dT%H:%M:%SZ}",
    }
    answer = await api.call("GET", f"{workflow.path}/runs", query=wanted | {"per_page": "5"})
    if answer.status in (401, 403, 404, 429):
        return None
    rows = answer.data.get("workflow_runs")
    runs = [
        started(workflow, row, "id")
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and _may_be_it(row, order, since)
    ]
    return [run for run in runs if run]


def _may_be_it(row: Mapping[str, Any], order: DispatchRequest, since: dt.datetime) -> bool:
    """Asked once more of what the server has filtered: one that knows less filters must not lead astray."""
    try:
        created = dt.datetime.fromisoformat(str(row.get("created_at")))
    except ValueError:
        return False
    created = created if created.tzinfo else created.replace(tzinfo=dt.UTC)
    same = row.get("event") == "workflow_dispatch" and row.get("head_branch") == order.branch
    return same and created >= since


def _moment(answer: Answer, elapsed: float) -> dt.datetime | None:
    """When the call began, by the clock of the server: its Date header, less the time since then and its rounding."""
    try:
        date = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=dt.UTC)
    return (date - dt.timedelta(seconds=elapsed + 1)).astimezone(dt.UTC).replace(microsecond=0)


async def try_out(
    names: Mapping[str, str], ref: str, metadata: Mapping[str, Any], token: str, timeout: float
) -> tuple[bool, int | None, str]:
    """One dispatch by these very names, for `probe`: accepted or not, the status, a text."""
    form = GitHubActionsForm({**names, "ref": ref})
    if not form.is_valid():
        name, problems = next(iter(form.errors.items()))
        return False, None, f"{name}: {problems[0]}"
    try:
        token = checked_token(token)
        body: dict[str, Any] = {"ref": ref} | ({"inputs": inputs(metadata)} if metadata else {})
        path = f"{Workflow(names['owner'], names['repo'], names['workflow']).path}/dispatches"
        async with Api.opened(token, Mask([token])) as api:
            answer = await api.call("POST", path, body=body, seconds=timeout)
    except (Unsendable, NoAnswer) as problem:
        return False, None, str(problem)
    return answer.is_ok, answer.status, "Workflow dispatched" if answer.is_ok else answer.problem
