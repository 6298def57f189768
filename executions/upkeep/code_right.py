"""Holds jobs whose owner may not run code any more, and releases those whose owner may again."""

from __future__ import annotations

from audit.record import By
from executions.ledger.isolation import each
from jobs import code_right
from jobs.models import Job

AT_ONCE = 1000


def settle() -> None:
    """Each at most once: who is told of it is told by the verb, when something changes."""

    def hold(key: int) -> None:
        job = Job.objects.select_related("owner").get(pk=key)
        if reason := code_right.why(job):
            code_right.hold(job, reason)

    def release(key: int) -> None:
        code_right.release(Job.objects.get(pk=key), by=By.system())

    wrong = code_right.disallowed()
    each(wrong.filter(held="").order_by("pk").values_list("pk", flat=True)[:AT_ONCE], hold, "holding")
    held = Job.objects.exclude(held="").exclude(pk__in=wrong.values("pk"))
    each(held.order_by("pk").values_list("pk", flat=True)[:AT_ONCE], release, "releasing")
