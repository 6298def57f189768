"""Which runs: those that somebody may see or change, and those in a state."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import connection, models
from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from accounts.roles import home_category
from executions.models.holds_drains_limits import Hold
from executions.models.states import NOT_RUN, OPEN, State
from jobs.models import Job

if TYPE_CHECKING:
    from executions.models.execution import Execution  # noqa: F401 - in the name of a base class


class ExecutionQuerySet(models.QuerySet["Execution"]):
    def visible_to(self, user: User) -> ExecutionQuerySet:
        if not user.has_perm("executions.view_execution"):
            return self.none()
        home = home_category(user)
        return self.all() if home is None else self.filter(category_id=home)

    def changeable_by(self, user: User) -> ExecutionQuerySet:
        """Whose runs may be stopped: those of the jobs that the user may change."""
        if not user.has_perm("executions.stop_execution"):
            return self.none()
        if user.has_perm("jobs.change_all_jobs"):
            return self.all()
        return self.visible_to(user).filter(job__in=Job.objects.changeable_by(user))

    def open(self) -> ExecutionQuerySet:
        return self.filter(state__in=OPEN)

    def running(self) -> ExecutionQuerySet:
        return self.filter(state=State.RUNNING)

    def startable(self, now: dt.datetime) -> ExecutionQuerySet:
        """Queued, not held back behind another run or by a hold, and waiting neither for a place nor for its next attempt."""
        queued = self.filter(state=State.QUEUED, held=False, waits_for="").free()
        return queued.filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))

    def free(self) -> ExecutionQuerySet:
        """Those whose starts nobody holds, or that an administrator started all the same."""
        return self.filter(Q(exempt=True) | ~Exists(Hold.objects.covering(OuterRef("category_id"))))

    def locked(self, *, skip: bool = False, most: int | None = None) -> list[int]:
        """The keys of these rows, which are locked until the transaction ends (not on SQLite, which has one writer).

        Whoever changes many rows in one statement locks them first, all in the same order: otherwise two of them
        could each wait for the other. `skip` leaves out what somebody else has locked.
        """
        return list(self.locking(skip).values_list("pk", flat=True)[:most])

    def locked_attempts(self, *, skip: bool = False) -> set[tuple[int, int]]:
        """Locks these rows likewise; the key of each and its attempt."""
        return set(self.locking(skip).values_list("pk", "attempt"))

    def locking(self, skip: bool = False) -> ExecutionQuerySet:
        """These rows, which are locked likewise when they are read."""
        features, rows = connection.features, self.order_by("pk")
        if not features.has_select_for_update:
            return rows
        return rows.select_for_update(skip_locked=skip and features.has_select_for_update_skip_locked)

    def for_a_worker(self) -> ExecutionQuerySet:
        """Those that wait for a worker, the oldest first; what waits on purpose is not among them."""
        waiting = self.filter(state=State.QUEUED, held=False, waits_for="", next_attempt_at=None).free()
        return waiting.order_by("due_at")

    def runs(self) -> ExecutionQuerySet:
        """What ran or is to run: without the due times that were missed or skipped."""
        return self.exclude(state__in=NOT_RUN)
