"""What the pages of people share: who gets in, the tabs, and how many jobs there are of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max
from django.utils.translation import gettext as _

from accounts.models import ApiToken, Login, User
from accounts.pages.request import PageRequest
from jobs.models import Job, JobQuerySet
from jobs.search.query import with_word

# So many jobs are named on a page; the rest is counted.
NAMED = 50


def require(request: PageRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied(_("This page is for administrators."))


def counts(jobs: JobQuerySet, column: str, keys: Iterable[int]) -> dict[int, int]:
    """How many of `jobs` belong to each key of a column (`owner`, `team`, `category`)."""
    rows = jobs.filter(**{f"{column}__in": list(keys)}).order_by().values_list(column)
    return dict(rows.annotate(count=Count("pk")))


def last_seen(users: Iterable[User]) -> dict[int, Any]:
    """When each was here last, by any login or token; without those who never were."""
    users = list(users)
    keys = [user.pk for user in users]
    seen: dict[int, Any] = {user.pk: user.last_login for user in users if user.last_login}
    logins = Login.objects.filter(user__in=keys).order_by().values_list("user")
    tokens = (
        ApiToken.objects.filter(owner__in=keys).exclude(last_used_at=None).order_by().values_list("owner")
    )
    for rows in (logins.annotate(at=Max("last_seen_at")), tokens.annotate(at=Max("last_used_at"))):
        for key, at in rows:
            seen[key] = max(at, seen.get(key, at))
    return seen


def owned(user: User) -> JobQuerySet:
    return Job.objects.filter(owner=user).order_by("name")


def named(jobs: JobQuerySet, key: str, value: str) -> dict[str, Any]:
    """What a page says of jobs: the first of them, how many there are, and the search that finds them all."""
    return {
        "jobs": list(jobs.only("uid", "name", "kind")[:NAMED]),
        "job_count": jobs.count(),
        "job_search": with_word("", key, value),
    }
