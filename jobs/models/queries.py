"""Querysets of jobs: those that an account may see or change, and those in a state."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from accounts.models import User
from accounts.roles import home_category
from jobs.models.choices import CODE_KINDS

if TYPE_CHECKING:
    from jobs.models.job import Job  # noqa: F401 - in the name of a base class


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User) -> JobQuerySet:
        """All jobs, or those of the user's category when it has one."""
        if not user.has_perm("jobs.view_job"):
            return self.none()
        home = home_category(user)
        return self.all() if home is None else self.filter(category_id=home)

    def changeable_by(self, user: User) -> JobQuerySet:
        """All for administrators; for others their own, and with the scope `category` all that they see."""
        if not user.has_perm("jobs.change_job"):
            return self.none()
        visible = self.visible_to(user)
        if changes_own_alone(user):
            visible = visible.filter(owner=user)
        return visible if user.has_perm("jobs.run_code") else visible.exclude(kind__in=CODE_KINDS)

    def enabled(self) -> JobQuerySet:
        return self.filter(Q(periodic_task__isnull=True) | Q(periodic_task__enabled=True))

    def paused(self) -> JobQuerySet:
        return self.filter(periodic_task__enabled=False)

    def without_owner(self) -> JobQuerySet:
        """Those for which nobody answers who is still there; jobs of the installation itself need nobody."""
        return self.filter(ownerless())

    def due(self, now: dt.datetime) -> JobQuerySet:
        return self.filter(next_run_at__lte=now)

    def expired(self, date: dt.date) -> JobQuerySet:
        """Past their end date, which is their last day."""
        return self.filter(end_date__lt=date, periodic_task__enabled=True)


def ownerless() -> Q:
    """As a condition. Who has left is asked first: by a join each job would be looked at."""
    left = User.objects.filter(is_active=False).order_by().values_list("pk", flat=True)
    return Q(owner=None, by_installation=False) | Q(owner__in=list(left))


def changes_own_alone(user: User) -> bool:
    return user.edit_scope == User.EditScope.OWN and not user.has_perm("jobs.change_all_jobs")


def changes_all_in_sight(user: User) -> bool:
    """Whether `changeable_by` are all jobs that are visible to the account, so that nobody need ask which."""
    return user.has_perm("jobs.change_job") and user.has_perm("jobs.run_code") and not changes_own_alone(user)


AllJobs = models.Manager.from_queryset(JobQuerySet)


class JobManager(AllJobs["Job"]):
    """Leaves out jobs that are being removed (jobs/changes/removal.py)."""

    def get_queryset(self) -> JobQuerySet:
        return JobQuerySet(self.model, using=self._db).filter(deleted_at=None)
