"""A message in the shape of each channel, in the language that is active: pure functions, no database.

What comes from people (names, error texts) is data here: it can start no header line in a mail, no mention in Slack, no
element in HTML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from unicodedata import east_asian_width

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from notifications.texts import Lines, Words, fact
from notifications.thread import NO_THREAD, Thread
from scheduler_site.lib.text import unseen

LONGEST_SUBJECT = 200
# Slack refuses longer texts.
LONGEST_SLACK = 3000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# What Slack itself uses to address a group or a member; anything else is shown as it was written.
_MENTION = re.compile(r"<(!subteam\^[A-Z0-9]+|@[UW][A-Z0-9]+)>")
_BROKEN_ESCAPE = re.compile(r"&[a-z]{0,3}\Z")
_GROUP, _MEMBER = re.compile(r"S[A-Z0-9]{5,}"), re.compile(r"[UW][A-Z0-9]{5,}")


@dataclass(frozen=True)
class Message:
    """What is to be said. `facts` are label and value, `path` the page it is about, `mention` a team's Slack handle.

    The inbox shows `title` and `note`; where they are empty, the subject and the facts. `log` are the last lines of a run's
    log, as they are.
    """

    subject: Words
    heading: Words
    facts: list[tuple[Words, Words]] = field(default_factory=list)
    closing: Words = ""
    path: str = ""
    mention: str = ""
    title: Words = ""
    note: Words = ""
    # The incident that it is about.
    thread: Thread = NO_THREAD
    log: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """The page's address as others reach it; empty without a page."""
        return f"{settings.FRONTEND_BASE_URL}{self.path}" if self.path else ""

    def text(self) -> str:
        """Plain text: an underlined heading, a line for each fact, what to do."""
        heading, facts = str(self.heading), "\n".join(self._said())
        parts = [f"{heading}\n{'=' * _width(heading)}", facts, self._log(), str(self.closing), self.link]
        return "\n\n".join(part for part in parts if part) + "\n"

    def html(self) -> str:
        return render_to_string("notifications/mail.html", {"message": self})

    def slack(self) -> str:
        """Slack's mrkdwn, with its three control characters as text, so that no name can notify a channel."""
        lines = [f"*{escape(one_line(str(self.subject)))}*", *map(escape, self._said())]
        if self.closing:
            lines.append(escape(str(self.closing)))
        if self.log:
            # A code block, which none of its lines can end.
            code = escape("\n".join(self.log).replace("```", "'''"))
            lines.append(f"{escape(_('Last lines of the log'))}\n```{code}```")
        text = "\n".join(lines)
        text = text if len(text) <= LONGEST_SLACK else _cut(text)
        if self.link:
            text += f"\n<{escape(self.link)}|{escape(_('Open in Belfry'))}>"
        return f"{mention(self.mention)} {text}".strip()

    @property
    def inbox(self) -> tuple[Words, Words]:
        """The title and the paragraph of an inbox, translated for its reader."""
        return self.title or self.subject, self.note or Lines(*(fact(*one) for one in self.facts))

    def _log(self) -> str:
        return (
            "\n".join([_("Last lines of the log"), *(f"    {line}" for line in self.log)]) if self.log else ""
        )

    def _said(self) -> list[str]:
        """The facts, each on a line of its own; a value over several lines stays that."""
        return [str(fact(label, _lines(str(value)))) for label, value in self.facts]


def one_line(text: str) -> str:
    """Text that fits a header or a log line: no line breaks, no control characters."""
    text = _CONTROL.sub(" ", text).strip()
    return "".join(sign for sign in text if not unseen(sign)) if unseen(text) else text


def subject_line(text: str) -> str:
    return one_line(text)[:LONGEST_SUBJECT]


def escape(text: str) -> str:
    """Slack's control characters as text (https://api.slack.com/reference/surfaces/formatting#escaping)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mention(handle: str) -> str:
    """How a message addresses a team: by the id of a group or member where the handle is one, else as plain text."""
    handle = handle.strip()
    if _MENTION.fullmatch(handle):
        return handle
    name = handle.removeprefix("@")
    if _GROUP.fullmatch(name):
        return f"<!subteam^{name}>"
    if _MEMBER.fullmatch(name):
        return f"<@{name}>"
    return escape(one_line(handle))


def _width(text: str) -> int:
    """Columns that a text takes: characters of CJK take two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _cut(text: str) -> str:
    """A piece that ends before an escape that it would break, and that says that it is one."""
    kept = _BROKEN_ESCAPE.sub("", text[: LONGEST_SLACK - 2])
    lines = kept.rpartition("\n")[0]
    # At a line's end where that is near; of one long line, such as a page of HTML, its beginning is all that there is.
    return (lines if len(lines) > LONGEST_SLACK // 2 else kept) + "\n…"


def _lines(value: str) -> str:
    """A value over several lines stays that; other control characters go."""
    return "\n".join(one_line(line) for line in value.splitlines())
