"""A message, and its shapes that several channels share, in the language that is active: pure functions, no database.

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

from notifications.incident_thread import NO_THREAD, IncidentThread
from notifications.texts import Lines, Words, fact
from scheduler_site.lib.text import unseen

LONGEST_SUBJECT = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


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
    thread: IncidentThread = NO_THREAD
    log: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """The page's address as others reach it; empty without a page."""
        return f"{settings.FRONTEND_BASE_URL}{self.path}" if self.path else ""

    def text(self) -> str:
        """Plain text: an underlined heading, a line for each fact, what to do."""
        heading, facts = str(self.heading), "\n".join(self.lines())
        parts = [f"{heading}\n{'=' * _width(heading)}", facts, self._log(), str(self.closing), self.link]
        return "\n\n".join(part for part in parts if part) + "\n"

    def html(self) -> str:
        return render_to_string("notifications/mail.html", {"message": self})

    @property
    def inbox(self) -> tuple[Words, Words]:
        """The title and the paragraph of an inbox, translated for its reader."""
        return self.title or self.subject, self.note or Lines(*(fact(*one) for one in self.facts))

    def _log(self) -> str:
        lines = [_("Last lines of the log"), *(f"    {line}" for line in self.log)]
        return "\n".join(lines) if self.log else ""

    def lines(self) -> list[str]:
        """The facts, each on a line of its own; a value over several lines stays that."""
        return [str(fact(label, value)) for label, value in self.pairs()]

    def pairs(self) -> list[tuple[str, str]]:
        """The facts as label and value in the language that is active, without control characters."""
        return [(one_line(str(label)), _lines(str(value))) for label, value in self.facts]


def one_line(text: str) -> str:
    """Text that fits a header or a log line: no line breaks, no control characters."""
    text = _CONTROL.sub(" ", text).strip()
    return "".join(sign for sign in text if not unseen(sign)) if unseen(text) else text


def subject_line(text: str) -> str:
    """On one line, and no longer than mail programs show."""
    return one_line(text)[:LONGEST_SUBJECT]


def _width(text: str) -> int:
    """Columns that a text takes: characters of CJK take two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _lines(value: str) -> str:
    """A value over several lines stays that; other control characters go."""
    return "\n".join(one_line(line) for line in value.splitlines())
