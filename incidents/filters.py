"""Filters of the list of incidents: the same for the page and the API."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from accounts.models import Team, User
from accounts.readers import ForReader
from incidents.models import Incident, IncidentQuerySet
from scheduler_site.lib.database.keyset import Keyset

ORDER = Keyset("opened_at")
OPEN, CLOSED, ALL = "open", "closed", "all"
SHOWN = (OPEN, CLOSED, ALL)
MINE, TEAM = "mine", "team"
WHOSE = (MINE, TEAM, ALL)


@dataclass(frozen=True)
class IncidentFilter:
    """An empty field does not filter. `show`: one of SHOWN; `whose`: one of WHOSE."""

    show: str = ALL
    whose: str = ALL
    states: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    job: uuid.UUID | None = None
    text: str = ""

    def of(self, rows: IncidentQuerySet, user: User) -> IncidentQuerySet:
        """The matching ones of `rows` that the user may see."""
        rows = rows.visible_to(user)
        if self.show == OPEN:
            rows = rows.open()
        elif self.show == CLOSED:
            rows = rows.filter(open_key=None)
        if self.whose == MINE:
            rows = rows.concerning(user)
        elif self.whose == TEAM:
            rows = rows.filter(team__in=Team.objects.filter(members=user))
        if self.states:
            rows = rows.filter(state__in=self.states)
        if self.kinds:
            rows = rows.filter(kind__in=self.kinds)
        if self.job:
            rows = rows.filter(job_uid=self.job)
        return rows.filter(job_name__icontains=self.text) if self.text else rows


def of_mine(user: User) -> int:
    """How many open incidents there are of my jobs and teams."""
    return _of_mine.count(user)


_of_mine = ForReader(
    lambda user: Incident.objects.open().visible_to(user).concerning(user).order_by().values_list("pk")
)
