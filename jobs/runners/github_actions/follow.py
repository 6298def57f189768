"""Following a workflow run to its end, and ending it early."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import NamedTuple

from .client import Api, NoAnswer
from .request import Answer, WorkflowRun, limited

Say = Callable[[str], None]

FIRST_PAUSE = 2.0  # seconds between two looks; longer each time
LONGEST_PAUSE = 15.0
# Refusals in a row after which a run is out of sight: a new one may not be there at once.
MOST_REFUSALS = 5
CANCEL_PAUSE = 1.0
FORCE_SECONDS = 1.5  # a worker that shuts down waits two seconds longer than the grace


class Ending(NamedTuple):
    """How cancelling went: whether the workflow is over (or about to be), and a sentence about it."""

    over: bool
    text: str


class OutOfSight(Exception):
    """GitHub does not show the run (any more); the text says what it answered."""


async def watch(api: Api, run: WorkflowRun, say: Say) -> WorkflowRun:
    """The run as it ended. Raises OutOfSight; has no deadline of its own.

    What has not changed is answered with 304, which GitHub does not count against the token's limit.
    """
    pause, etag, refusals, told = FIRST_PAUSE, "", 0, run.status
    while not run.has_ended:
        # So that runs that began together do not call together.
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load, protects nothing
        pause = min(pause * 1.5, LONGEST_PAUSE)
        try:
            answer = await api.call("GET", run.path, etag=etag)
        except NoAnswer as problem:
            told = _tell(say, str(problem), told)
            continue
        if (wait := limited(answer, time.time())) is not None:
            told = _tell(say, f"{answer.problem}; waiting {wait:g} s", told)
            await asyncio.sleep(wait)
        elif answer.status == 200 and answer.data:
            run, etag, refusals = run.seen(answer.data), answer.headers.get("etag", ""), 0
            told = _tell(say, run.status, told)
        elif answer.status != 304 and answer.status < 500:
            refusals += 1
            if refusals >= MOST_REFUSALS:
                raise OutOfSight(answer.problem)
    return run


def _tell(say: Say, text: str, before: str) -> str:
    """Says what is new; what goes on for hours is said once."""
    if text and text != before:
        say(text)
    return text


async def cancel(api: Api, run: WorkflowRun, until: float, say: Say) -> Ending:
    """Asks GitHub to cancel the run, and forces it when it has not ended at `until` (the loop's time)."""
    try:
        async with asyncio.timeout_at(until):
            return await _ask(api, run, say)
    except TimeoutError:
        pass
    try:
        answer = await api.call("POST", f"{run.path}/force-cancel", seconds=FORCE_SECONDS)
    except NoAnswer as problem:
        return Ending(False, f"Whether the workflow was cancelled is not known: {problem}")
    say(f"POST {run.path}/force-cancel: status {answer.status}")
    return Ending(True, "The workflow was cancelled by force") if answer.is_ok else _not_cancelled(answer)


async def _ask(api: Api, run: WorkflowRun, say: Say) -> Ending:
    try:
        answer = await api.call("POST", f"{run.path}/cancel")
    except NoAnswer as problem:
        return Ending(False, f"Whether the workflow was cancelled is not known: {problem}")
    say(f"POST {run.path}/cancel: status {answer.status}")
    # 409: it has ended already, or ends at this moment.
    if not answer.is_ok and answer.status != 409:
        return _not_cancelled(answer)
    while not run.has_ended:
        try:
            seen = await api.call("GET", run.path)
        except NoAnswer:
            seen = Answer(0)
        run = run.seen(seen.data) if seen.status == 200 else run
        if not run.has_ended:
            await asyncio.sleep(CANCEL_PAUSE)
    return Ending(True, f"The workflow ended with the conclusion {run.conclusion or 'unknown'}")


def _not_cancelled(answer: Answer) -> Ending:
    return Ending(False, f"The workflow could not be cancelled: {answer.problem}")
