"""Chooses the destinations of an alert: those that the job names, else those of its team, else the default ones."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.text import slugify
from django.utils.translation import gettext as _

from notifications.channels import WITH_DESTINATIONS
from notifications.models import Destination, SlackSettings
from scheduler_site.lib.text import enumerated

# By which jobs name the Slack that has a page of its own.
SLACK = "slack"


def slugs(text: str) -> list[str]:
    """The names in a list such as `ops-discord, slack`."""
    return list(dict.fromkeys(word for word in text.replace(",", " ").split() if word))


def validate(text: str) -> None:
    """Refuses a list that names what does not exist."""
    wanted = slugs(text)
    known = [SLACK, *Destination.objects.order_by("slug").values_list("slug", flat=True)] if wanted else []
    if unknown := [one for one in wanted if one not in known]:
        text = _("There is no destination %(unknown)s. There are: %(known)s.")
        raise ValidationError(text % {"unknown": enumerated(unknown), "known": enumerated(known)})


def chosen(text: str = "", team: int | None = None) -> list[Destination | None]:
    """The enabled destinations; none stands for the Slack that has a page of its own.

    Where none is left of those that were chosen, the default ones are told: no news is lost.
    """
    wanted = slugs(text)
    concerned = Q(is_default=True) | Q(slug__in=wanted)
    if team is not None:
        concerned |= Q(teams=team)
    found = Destination.objects.filter(concerned, is_enabled=True, channel__in=WITH_DESTINATIONS)
    rows = list(found.distinct().order_by("name"))
    slack: list[Destination | None] = [None] if SlackSettings.on() else []
    if mine := [*(one for one in rows if one.slug in wanted), *(slack if SLACK in wanted else [])]:
        return mine
    if team is not None and (theirs := list(found.filter(teams=team).distinct().order_by("name"))):
        return [*theirs]
    return [*(one for one in rows if one.is_default), *slack]


def new_slug(name: str) -> str:
    """A slug for a new destination that no other has."""
    base = slugify(name)[:50].strip("-") or "destination"
    taken = {SLACK, *Destination.objects.filter(slug__startswith=base).values_list("slug", flat=True)}
    numbers = range(2, len(taken) + 3)
    return next(one for one in (base, *(f"{base}-{number}" for number in numbers)) if one not in taken)
