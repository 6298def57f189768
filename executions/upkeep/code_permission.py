"""Suspends jobs whose owner lost the right to run code, and resumes them when the owner has it again."""

from __future__ import annotations

from audit.record import Actor
from executions.ledger.error_isolation import each
from jobs import code_permission
from jobs.models import Job

AT_ONCE = 1000


def settle() -> None:
    """Each at most once: who is told of it is told by the verb, when something changes."""

    def suspend(key: int) -> None:
        job = Job.objects.select_related("owner").get(pk=key)
        if reason := code_permission.why(job):
            code_permission.suspend(job, reason)

    def reinstate(key: int) -> None:
        code_permission.reinstate(Job.objects.get(pk=key), by=Actor.system())

    wrong = code_permission.disallowed()
    each(
        wrong.filter(code_suspended="").order_by("pk").values_list("pk", flat=True)[:AT_ONCE],
        suspend,
        "suspending",
    )
    suspended = Job.objects.exclude(code_suspended="").exclude(pk__in=wrong.values("pk"))
    each(suspended.order_by("pk").values_list("pk", flat=True)[:AT_ONCE], reinstate, "reinstating")
