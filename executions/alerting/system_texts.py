"""The texts of alerts about Belfry itself, for administrators."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext_noop as _

from executions.alerting.alert_texts import Facts, marked
from incidents.alert_texts import NOTHING_TO_DO, when
from notifications.messages import Message
from notifications.texts import Text, Words, fact

TITLES = {
    "oldest due": _("Belfry: the scheduler is minutes behind"),
    "oldest queued": _("Belfry: runs have been queued for minutes"),
}


def silent(name: str, detail: str, since: dt.datetime) -> Message:
    title = Text(_("Belfry: %(part)s is not responding"), part=Text(name))
    return _message("🔴", title, [(Text(_("What")), fact(Text(name), Text(detail))), _since(since)])


def recovered(name: str, since: dt.datetime) -> Message:
    title = Text(_("Belfry: %(part)s is responding again"), part=Text(name))
    return _message("✅", title, [(Text(_("Not responding since")), when(since))], NOTHING_TO_DO)


def waits(what: str, since: dt.datetime) -> Message:
    """Of `oldest due` and `oldest queued`, the names of the checks."""
    return _message("🔴", Text(TITLES[what]), [_since(since)])


def waits_no_more(since: dt.datetime) -> Message:
    title = Text(_("Belfry: scheduler lag and queue wait are back to normal"))
    return _message("✅", title, [_since(since)], NOTHING_TO_DO)


def clocks_differ(hosts: str, since: dt.datetime) -> Message:
    """`hosts` names each with the seconds by which its clock is ahead."""
    title = Text(_("Belfry: a host's clock differs from the database's"))
    closing = _("Jobs start by the database's clock all the same. Set the clocks of these hosts by NTP.")
    return _differ(title, (Text(_("Ahead of the database")), hosts), closing, since)


def clocks_agree(since: dt.datetime) -> Message:
    return _agree(Text(_("Belfry: the hosts' clocks agree with the database's again")), since)


def zones_differ(hosts: str, since: dt.datetime) -> Message:
    """`hosts` names each with its release of tzdata."""
    title = Text(_("Belfry: hosts have different rules of time zones"))
    closing = _("Jobs start by the newest of these rules. Update the images or packages of the other hosts.")
    return _differ(title, (Text(_("Releases of tzdata")), hosts), closing, since)


def zones_agree(since: dt.datetime) -> Message:
    return _agree(Text(_("Belfry: all hosts have the same rules of time zones again")), since)


def outage(since: dt.datetime, until: dt.datetime) -> Message:
    facts: Facts = [
        (Text(_("From")), when(since)),
        (Text(_("To")), when(until)),
        (Text(_("Minutes")), f"{(until - since).total_seconds() / 60:.0f}"),
    ]
    closing = _(
        "No process was alive. What fell due meanwhile was made up for, or stands in the ledger as missed."
    )
    return _message("🔴", Text(_("Belfry was down")), facts, Text(closing), "/executions?state=missed")


def _since(moment: dt.datetime) -> tuple[Words, Words]:
    return Text(_("Since")), when(moment)


def _differ(title: Text, hosts: tuple[Words, Words], closing: str, since: dt.datetime) -> Message:
    return _message("🟠", title, [hosts, _since(since)], Text(closing))


def _agree(title: Text, since: dt.datetime) -> Message:
    return _message("✅", title, [(Text(_("They differed since")), when(since))], NOTHING_TO_DO)


def _message(mark: str, title: Text, facts: Facts, closing: Words = "", path: str = "/") -> Message:
    return Message(marked(mark, title), title, facts, closing, path, title=title)
