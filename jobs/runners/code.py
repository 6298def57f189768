"""What the code kinds share: from a Spec to a child, and from a finished child to an Outcome."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings

from environments.config import AccountUnusable, job_account
from jobs.children.pool import PoolLimits, run
from jobs.children.values import Finished, Request

from .base import Context, Outcome, Spec, State
from .limits import MIB, allowed, bounds, ceilings, limits


def run_child(
    request: Request,
    context: Context[threading.Event],
    *,
    timeout: float | None = None,
    held: int | None = None,
    pulse: Callable[[], None] | None = None,
    target: str = "",
) -> Outcome:
    """Run it to its end in a child process, from the calling thread; output goes to the run's log.

    timeout: seconds that are left, when some of the run's have passed already. held, pulse: as `children.client.run` has them.
    target: of the outcome.
    """
    spec = context.spec
    try:
        account = job_account()
    except AccountUnusable as problem:
        return Outcome("error", str(problem), target=target)
    most = allowed(spec.kind, spec.options)
    finished = run(
        request,
        timeout=spec.timeout if timeout is None else timeout,
        stop_grace=spec.stop_grace,
        cancelled=context.cancelled,
        log=context.log,
        pool_limits=_pool_limits(),
        limits=limits(most),
        ceilings=ceilings(most),
        account=account,
        suspended=context.suspended,
        held=held,
        pulse=pulse,
    )
    return outcome_of(finished, spec, target)


def _pool_limits() -> PoolLimits:
    return PoolLimits(
        most=settings.JOB_CLASS_PROCESSES,
        idle=settings.JOB_CLASS_IDLE_SECONDS,
        free=settings.JOB_CLASS_FREE_MB * MIB,
        memory=ceilings(bounds("python_class")).memory,
        env=named_environment(os.environ, settings.JOB_CLASS_ENV),
    )


def run_environment(spec: Spec) -> dict[str, str]:
    """What a job may know of its run."""
    return {
        "BELFRY_RUN_ID": spec.run_id,
        "BELFRY_JOB": _one_line(spec.job_name),
        "BELFRY_SLOT": spec.slot.isoformat() if spec.slot else "",
        "BELFRY_ATTEMPT": str(spec.attempt),
    }


def named_environment(source: Mapping[str, str], names: list[str]) -> dict[str, str]:
    """The variables of `source` that an operator passes on by name."""
    return {name: value for name in names if (value := source.get(name)) is not None}


def outcome_of(finished: Finished, spec: Spec, target: str = "") -> Outcome:
    """A child's end in the words of the ledger; one that cannot be imported or found is not worth a retry."""
    state, message = _state(finished), finished.message
    if finished.ending == "timeout":
        message = f"Not finished within {spec.timeout:g} s"
    elif finished.ending == "stopped":
        message = "Stopped"
    return Outcome(
        state,
        message,
        exit_code=_exit_code(finished),
        result=finished.result if state == "success" else None,
        target=target,
        peak_memory=finished.peak_memory,
        mean_memory=finished.mean_memory,
        cpu_seconds=finished.cpu_seconds,
        points=finished.points,
        retryable=finished.ending != "unstartable",
    )


def _state(finished: Finished) -> State:
    if finished.ending == "exited":
        return "success" if finished.exit_code == 0 else "failed"
    states: dict[str, State] = {
        "timeout": "timeout",
        "stopped": "stopped",
        "limit": "failed",
        "unstartable": "error",
        "unavailable": "error",
        "lost": "failed",
    }
    return states[finished.ending]


def _exit_code(finished: Finished) -> int | None:
    """As a shell counts: 128 + n for a death by signal n."""
    return 128 + finished.signal if finished.signal is not None else finished.exit_code


def _one_line(text: Any) -> str:
    return str(text).replace("\0", "").replace("\n", " ")
