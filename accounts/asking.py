"""Whom to ask for what one may not do oneself: the owner and the team, who answer for it, else an administrator."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import Team, User


def whom_to_ask(owner: User | None, team: Team | None) -> str:
    """A sentence; who has left and teams that are disabled cannot be asked."""
    return sentence(
        owner.get_username() if owner and owner.is_active else "",
        team.name if team and team.is_active else "",
    )


def sentence(owner: str, team: str) -> str:
    """The same of their names, empty where there is none."""
    if owner and team:
        return _("Ask %(owner)s or team %(team)s.") % {"owner": owner, "team": team}
    if owner:
        return _("Ask %(owner)s.") % {"owner": owner}
    if team:
        return _("Ask team %(team)s.") % {"team": team}
    return _("Ask an administrator.")
