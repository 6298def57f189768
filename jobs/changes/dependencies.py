"""Which job runs after which: the edges, changed together with the job that follows, and never in a circle.

A job may follow several others. Each edge fires by itself: B after A and after C runs once for each run of A and of C that
ends as the edge says; there is no waiting for both. What fires is written in executions/ledger/downstream.py.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from audit.models import Entry
from audit.record import Actor, record
from jobs.changes.snapshots import snapshot
from jobs.models import Dependency, Job, NamedLock

MOST = 50
GRAPH = "dependencies"


class Edge(NamedTuple):
    """The job (its key) to run after, and how a run of it must have ended."""

    after: int
    on: str


class Circle(Exception):
    """The edges would lead a job back to itself; the text names the way."""


class Gone(Exception):
    """A job to run after does not exist any more."""

    def __init__(self) -> None:
        super().__init__(_("A job that this one is to follow has been deleted meanwhile."))


def read(value: Any, user: User, job: Job | None) -> list[Edge]:
    """Checked edges out of `[{"job": "<uuid>", "on": "success"}]`. `job` is the stored one that follows, if it is stored.

    Only jobs that the user sees may be chosen; what is stored may stay. Raises ValidationError.
    """
    if not isinstance(value, list) or len(value) > MOST:
        raise ValidationError(_("Write a list of at most %(most)d jobs to run after.") % {"most": MOST})
    wanted = [_wanted(one) for one in value]
    if len({uid for uid, _on in wanted}) < len(wanted):
        raise ValidationError(_("A job can be followed in one way only; name each once."))
    choosable = Q(pk__in=Job.objects.visible_to(user).values("pk"))
    if job and job.pk:
        choosable |= Q(followers__job=job)
    found = Job.objects.filter(choosable, uid__in=[uid for uid, _on in wanted])
    keys = dict(found.values_list("uid", "pk"))
    if missing := [uid for uid, _on in wanted if uid not in keys]:
        raise ValidationError(_("There is no job %(job)s for you.") % {"job": missing[0]})
    edges = [Edge(keys[uid], on) for uid, on in wanted]
    if job and job.pk:
        try:
            check(job, edges, user)
        except Circle as circle:
            raise ValidationError(str(circle)) from circle
    return edges


def _wanted(value: Any) -> tuple[uuid.UUID, str]:
    if not isinstance(value, dict):
        raise ValidationError(_('Write each as {"job": id, "on": "success"}.'))
    try:
        uid = uuid.UUID(value.get("job"))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValidationError(_("Name each job by its id.")) from error
    on = Dependency.On.SUCCESS if value.get("on") is None else value["on"]
    if on not in Dependency.On.values:
        raise ValidationError(
            _("Write on as one of: %(words)s.") % {"words": ", ".join(Dependency.On.values)}
        )
    return uid, str(on)


def check(job: Job, edges: Iterable[Edge], user: User | None) -> None:
    """Raises Circle when `job` would come to run after itself with these edges instead of its present ones.

    Of the jobs on the way those are named that `user` sees.
    """
    before: dict[int, list[int]] = {}
    for follower, after in Dependency.objects.exclude(job=job).values_list("job_id", "after_id"):
        before.setdefault(follower, []).append(after)
    before[job.pk] = [edge.after for edge in edges]
    if way := _way_back(job.pk, before):
        seen = (Job.objects.visible_to(user) if user else Job.objects).in_bulk(way)
        names = " → ".join(seen[pk].name if pk in seen else "…" for pk in way)
        raise Circle(_("The jobs would run in a circle: %(way)s.") % {"way": names})


def _way_back(start: int, before: Mapping[int, list[int]]) -> list[int]:
    """The jobs from `start` to `start` in the order in which they would run; empty when there is no such way."""
    came_from: dict[int, int] = {}
    waiting = deque([start])
    while waiting:
        job = waiting.popleft()
        for earlier in before.get(job, ()):
            if earlier == start:
                way = [start, job]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way
            if earlier not in came_from:
                came_from[earlier] = job
                waiting.append(earlier)
    return []


def lock_graph() -> None:
    """Locks the graph until the transaction ends: two new edges can each be fine and form a circle together.

    Call it before a job is locked; everything locks in this order.
    """
    if NamedLock.objects.select_for_update().filter(name=GRAPH).first():
        return
    # The first time ever. Not `get_or_create`: a plain insert that meets another's keeps a shared lock in MySQL, and two
    # who hold it wait for each other's end. This one takes the row's own lock, whether it made the row or found it.
    target = ["name"] if connection.features.supports_update_conflicts_with_target else None
    NamedLock.objects.bulk_create(
        [NamedLock(name=GRAPH)], update_conflicts=True, update_fields=["name"], unique_fields=target
    )


def replace(job: Job, edges: list[Edge], user: User | None) -> None:
    """Gives `job` these edges. To be called after `lock_graph`, in the transaction of the change. Raises Circle, Gone."""
    wanted = {edge.after: edge.on for edge in edges}
    # Locked, and so still there at the commit.
    there = Job.objects.select_for_update().filter(pk__in=wanted).order_by("pk").values_list("pk", flat=True)
    if set(there) != set(wanted):
        raise Gone
    check(job, edges, user)
    stored = {edge.after_id: edge for edge in job.dependencies.all()}
    job.dependencies.filter(after__in=set(stored) - set(wanted)).delete()
    for after, on in wanted.items():
        if after in stored and stored[after].on != on:
            job.dependencies.filter(after=after).update(on=on)
    new = [Dependency(job=job, after_id=after, on=on) for after, on in wanted.items() if after not in stored]
    Dependency.objects.bulk_create(new)
    job.forget_edges()


def describe(job: Job) -> list[str]:
    """The edges in plain words, as the audit trail compares them."""
    return [f"{edge.after.name} ({edge.on})" for edge in job.edges_by_name]


def record_removal(job: Job, *, by: Actor) -> None:
    """Records in the history of the downstream jobs of `job`, which is being deleted, that they lose this edge.

    To be called after `lock_graph`.
    """
    followers = Job.objects.filter(pk__in=job.followers.values("job")).order_by("pk")
    list(followers.select_for_update().values_list("pk"))
    for edge in job.followers.select_related("job"):
        before = describe(edge.job)
        after = [text for text in before if text != f"{job.name} ({edge.on})"]
        changes = {"depends_on": {"old": before, "new": after}}
        text = f"{job.name} was deleted"
        left = snapshot(edge.job, without=job)
        record(Entry.Event.MODIFIED, edge.job, by=by, changes=changes, description=text, snapshot=left)


class Neighbour(NamedTuple):
    """An upstream or downstream job; None if the reader may not see it."""

    job: Job | None
    on: str


def neighbours(job: Job, user: User) -> tuple[list[Neighbour], list[Neighbour]]:
    """The upstream and the downstream jobs of `job`."""
    edges = Dependency.objects.filter(Q(job=job) | Q(after=job))
    found = list(edges.order_by("id").values_list("job_id", "after_id", "on"))
    keys = {key for one, other, _on in found for key in (one, other)}
    seen = Job.objects.visible_to(user).in_bulk(keys) if keys else {}
    earlier = [Neighbour(seen.get(after), on) for one, after, on in found if one == job.pk]
    later = [Neighbour(seen.get(one), on) for one, after, on in found if after == job.pk]
    return earlier, later
