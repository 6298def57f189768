"""Tells users whom to ask for what they are not allowed to do: the owner or the team, else an administrator."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import Team, User


def contact_hint(owner: User | None, team: Team | None) -> str:
    """A sentence that names whom to ask; inactive accounts and disabled teams are left out."""
    return hint_of_names(
        owner.get_username() if owner and owner.is_active else "",
        team.name if team and team.is_active else "",
    )


def hint_of_names(owner: str, team: str) -> str:
    """The same from names; an empty name means that there is none."""
    if owner and team:
        return _("Ask %(owner)s or team %(team)s.") % {"owner": owner, "team": team}
    if owner:
        return _("Ask %(owner)s.") % {"owner": owner}
    if team:
        return _("Ask team %(team)s.") % {"team": team}
    return _("Ask an administrator.")
