"""Holds (no run starts for a while), drains (a worker ends after its runs), and concurrency limits."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Category, User
from accounts.roles import home_category

# In `Hold.active`: the whole installation. Keys of categories begin at 1.
EVERYTHING = 0


class HoldQuerySet(models.QuerySet["Hold"]):
    def active(self) -> HoldQuerySet:
        return self.filter(active__isnull=False)

    def visible_to(self, user: User) -> HoldQuerySet:
        """Those that concern what the user may see."""
        if not user.has_perm("executions.view_execution"):
            return self.none()
        home = home_category(user)
        return self.all() if home is None else self.filter(Q(category=None) | Q(category_id=home))

    def covering(self, category: int | models.OuterRef) -> HoldQuerySet:
        """The active ones that hold the jobs of a category."""
        return self.filter(Q(active=EVERYTHING) | Q(active=category))

    def since(self, moment: dt.datetime) -> HoldQuerySet:
        """Those that go on, or have ended after `moment`."""
        return self.filter(Q(active__isnull=False) | Q(ended_at__gt=moment)).order_by("since", "id")


class Hold(models.Model):
    """A time in which no run starts: of all jobs, or of those of a category. It lasts until `ended_at` is set, which is done
    soon after `until`, whoever ends it (executions/ledger/limits/holds.py)."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    category = models.ForeignKey(Category, null=True, on_delete=models.PROTECT, related_name="+")
    # EVERYTHING or the key of the category while it lasts, null afterwards: of each there is one at a time.
    active = models.BigIntegerField(null=True, unique=True)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"), null=True)
    reason = models.CharField(_("reason"), max_length=500)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    # Who ordered it: also known when the account is gone, or was none (a command).
    by_name = models.CharField(max_length=150)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        ordering = ("-since", "-id")
        indexes = [models.Index(fields=["ended_at"], name="hold_ended")]
        permissions = [("hold_starts", "Can hold the starts of runs")]

    def __str__(self) -> str:
        return f"all jobs of {self.category}" if self.category_id else "all jobs"


class Drain(models.Model):
    """An order to a worker process: take nothing new, and end when your runs have ended. Taking it back is removing the row."""

    worker = models.CharField(_("worker"), max_length=120, unique=True)
    # The queues that it served, with spaces between them.
    roles = models.CharField(max_length=60)
    at = models.DateTimeField(_("since"))
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(max_length=150)
    # When its last run had ended. Its supervisor starts no other in its place as long as the row is there.
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("drain")
        verbose_name_plural = _("drains")
        ordering = ("worker",)
        permissions = [("drain_worker", "Can drain workers")]

    def __str__(self) -> str:
        return self.worker

    @property
    def state(self) -> str:
        return "drained" if self.ended_at else "draining"


class Limit(models.Model):
    """How many runs of a scope may go on at once (executions/ledger/limits/concurrency.py).

    Whoever counts them locks its row, so that no two workers give the same place away.
    """

    # `key:NAME`, `category:KEY` or `job:KEY`.
    scope = models.CharField(max_length=80, unique=True)
    # Null: no bound of an administrator's. Of a key that is one, of a job its own.
    most = models.PositiveSmallIntegerField(_("at most at once"), null=True)
    category = models.ForeignKey(Category, null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        permissions = [("change_limits", "Can change how many runs go on at once")]

    def __str__(self) -> str:
        return f"category {self.category}" if self.category_id else self.scope.replace(":", " ", 1)
