"""The numbers on the tabs of the list of jobs, counted as far as anybody leafs: at a million jobs, too, they cost little."""

from __future__ import annotations

from functools import partial

from accounts.models import User
from accounts.readers import ForReader
from jobs.models import Job, JobQuerySet
from jobs.search.matching import TABS, Search
from scheduler_site.lib.database.paging import Capped

# More than that is not counted: the number is then one more.
MOST = Capped.MOST
ALL = ""
NAMES = (ALL, *TABS)


def of(search: Search, matching: JobQuerySet) -> dict[str, int]:
    """How many of the matching jobs are on each tab."""
    if search.query:
        return {name: _on(search, matching, name).count() for name in NAMES}
    return {name: asked.count(search.user) for name, asked in _OF_ALL.items()}


def _on(search: Search, matching: JobQuerySet, name: str) -> JobQuerySet:
    found = matching.filter(search.state(name)) if name else matching
    return found.order_by()[: MOST + 1]


def _of_all(name: str, user: User) -> JobQuerySet:
    return _on(Search.read("", user), Job.objects.visible_to(user), name).values_list("pk")  # type: ignore[return-value]


# What nobody has narrowed is looked at most.
_OF_ALL = {name: ForReader(partial(_of_all, name)) for name in NAMES}
