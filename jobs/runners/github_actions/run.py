"""Runs a GitHub Actions job: dispatches the workflow, finds its run, follows it, cancels it after a timeout or stop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from ..base import Context, Outcome, Spec
from ..masking import Mask
from .client import Api
from .dispatch import Accepted, dispatch, find
from .follow import OutOfSight, cancel, watch
from .request import DispatchRequest, Unsendable, WorkflowRun, concluded, order, token_of

UNKNOWN_END = "GitHub accepted the dispatch, but does not say which run it became: how that ends is not known"


async def run(context: Context[asyncio.Event]) -> Outcome:
    """Does it, and says how it ended, at the latest when its time and the grace are over."""
    spec = context.spec
    names = (spec.options.get(name, "") for name in ("owner", "repo", "workflow"))
    target = "/".join(str(name) for name in names)
    try:
        token, wanted = token_of(spec), order(spec)
    except Unsendable as problem:
        return Outcome("failed", str(problem), target=target, retryable=False)
    if context.cancelled.is_set():
        return Outcome("stopped", "Stopped before the workflow was started", target=target)
    mask = Mask([token, *spec.secrets.values()])
    async with Api.opened(token, mask) as api:
        outcome = await WorkflowExecution(context, api, wanted, mask).run()
    result = mask(outcome.result) if outcome.result else None
    return replace(
        outcome, message=mask(outcome.message), target=mask(outcome.target or target), result=result
    )


class WorkflowExecution:
    """One run of a job, and what is known of it so far."""

    def __init__(self, context: Context[asyncio.Event], api: Api, order: DispatchRequest, mask: Mask) -> None:
        self.context, self.api, self.order, self.mask = context, api, order, mask
        self.spec: Spec = context.spec
        self.dispatching: asyncio.Task[Accepted | Outcome] | None = None
        self.found: WorkflowRun | None = None

    def say(self, text: str) -> None:
        self.context.log(self.mask(text) + "\n")

    async def run(self) -> Outcome:
        work = asyncio.ensure_future(self._work())
        stop = asyncio.ensure_future(self.context.cancelled.wait())
        try:
            await asyncio.wait({work, stop}, timeout=self.spec.timeout, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            work.cancel()
            return await self._end_early(stopped=stop.done())
        finally:
            tasks: list[asyncio.Task[Any]] = [work, stop, *([self.dispatching] if self.dispatching else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self) -> Outcome:
        # A dispatch that is under way is never broken off: whether it was accepted would not be known.
        self.dispatching = asyncio.create_task(dispatch(self.api, self.order, self.say))
        accepted = await asyncio.shield(self.dispatching)
        if isinstance(accepted, Outcome):
            return accepted
        outcome = await self._after(accepted)
        return replace(outcome, response_status=accepted.status, target=accepted.workflow.target)

    async def _after(self, accepted: Accepted) -> Outcome:
        follow = self.spec.options.get("follow") is not False
        self.found = accepted.run
        if self.found is None and follow:
            self.found = await find(self.api, self.order, accepted)
        if self.found is None:
            return Outcome("success", UNKNOWN_END if follow else "")
        self.say(f"Run {self.found.id}: {self.found.url}".rstrip(": "))
        if not follow:
            return Outcome("success", result=self.found.result())
        try:
            self.found = await watch(self.api, self.found, self.say)
        except OutOfSight as problem:
            text = f"The workflow was started, but how it ended is not known: {problem}"
            return Outcome("failed", text, result=self.found.result(), retryable=False)
        self.say(f"Conclusion: {self.found.conclusion or 'unknown'}")
        return concluded(self.found)

    # An early end ----------------------------------------------------------------------------------------------------

    async def _end_early(self, stopped: bool) -> Outcome:
        """Cancels what was started; the outcome says what became of it on the other side."""
        why = "Stopped" if stopped else f"Not finished within {self.spec.timeout:g} s"
        until = asyncio.get_running_loop().time() + self.spec.stop_grace
        base = Outcome("stopped" if stopped else "timeout")
        accepted = await self._accepted(self.spec.stop_grace)
        if accepted is None:
            return replace(base, message=f"{why}. Whether GitHub has started the workflow is not known")
        if isinstance(accepted, Outcome):
            return replace(accepted, state=base.state, message=f"{why}. {accepted.message}")
        # While the workflow goes on over there, another attempt would be a second one beside it.
        known = replace(
            base, response_status=accepted.status, target=accepted.workflow.target, retryable=False
        )
        run = self.found or accepted.run
        if run is None:
            text = "The workflow was started, but its run is not known and goes on"
            return replace(known, message=f"{why}. {text}")
        how = await cancel(self.api, run, until, self.say)
        return replace(known, message=f"{why}. {how.text}", result=run.result(), retryable=how.over)

    async def _accepted(self, seconds: float) -> Accepted | Outcome | None:
        """How the dispatch went, which may still be under way; None when that is not known in time."""
        if self.dispatching is None:
            return None
        done, _waiting = await asyncio.wait({self.dispatching}, timeout=seconds)
        return self.dispatching.result() if done else None
