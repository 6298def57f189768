"""The log of a run as its page shows it: numbered lines with the colours of a terminal, attempts, a search, and live growth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from executions.models import Execution
from executions.monitoring import log_search, logs
from executions.monitoring.log_search import Found
from executions.monitoring.logs import LogExcerpt
from scheduler_site.lib import ansi

# Words of lines that people look for first, unless a count of none is what the line says.
WRONG = re.compile(
    r"(?<![\w-])(?<!\bno )(?<!\bwithout )(?<!\b0 )"
    r"(?:\w*error|\w*exception|traceback|fatal|panic|critical|segfault|failed|failures?|errors)\b"
    r"(?!\s*[=:]\s*(?:0|none|null)\b)",
    re.IGNORECASE,
)
NAMED_ERRORS = 5
MOST = 2**31


@dataclass(frozen=True)
class LogQuery:
    """What of the log is to be seen: an attempt, the surroundings of a line, what lies before one, a text that is searched."""

    attempt: int
    line: int = 0
    until: int = 0
    text: str = ""
    # Whether no attempt was named, so that a later one takes its place.
    newest: bool = True


@dataclass
class Lines:
    """Lines as HTML, the numbers of those that tell of an error, and the style in which the last, open one begins."""

    html: list[str] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    style: ansi.Style = ansi.USUAL


@dataclass(frozen=True)
class LogView:
    """What `executions/_log.html` shows."""

    run: Execution
    asked: LogQuery
    piece: LogExcerpt
    found: Found | None = None

    @property
    def attempts(self) -> list[int]:
        return list(range(1, max(self.run.attempt, self.asked.attempt) + 1))

    @property
    def live(self) -> bool:
        return self.run.is_open and not self.piece.after and self.asked.attempt >= self.run.attempt

    @property
    def at_end(self) -> bool:
        return self.piece.before and not self.piece.after

    @property
    def size(self) -> int:
        return self.piece.total[1]

    @property
    def next_line(self) -> int:
        """What to ask for to see the lines that follow."""
        return self.piece.final + 1 + logs.CONTEXT

    @property
    def errors(self) -> list[int]:
        return self._lines.errors[:NAMED_ERRORS]

    @property
    def more_errors(self) -> int:
        return len(self._lines.errors) - len(self.errors)

    @property
    def lines(self) -> SafeString:
        html = [
            *self._lines.html,
            last_line(self.run, self.asked, self.piece, self._lines.style, live=self.live),
        ]
        return mark_safe("".join(html))  # noqa: S308 - each line is escaped where it is made

    @property
    def hits(self) -> list[tuple[str, log_search.Hit]]:
        """The lines that were found, each with its address: on this page, where it is shown."""
        hits = self.found.hits if self.found else []
        return [(self._address(hit.number), hit) for hit in hits]

    @cached_property
    def _lines(self) -> Lines:
        return lines_of(self.piece)

    def _address(self, line: int) -> str:
        if self.piece.first <= line <= self.piece.final:
            return f"#L{line}"
        query = {"attempt": self.asked.attempt, "q": self.asked.text, "line": line}
        return f"?{urlencode(query)}#L{line}"


def asked(run: Execution, query: Mapping[str, str]) -> LogQuery:
    """What cannot be is as if it were not asked for."""
    attempt = number(query.get("attempt", ""))
    named = 0 < attempt <= max(run.attempt, 1)
    text = query.get("q", "").replace("\0", "")[: log_search.MOST_SIGNS]
    return LogQuery(
        attempt if named else max(run.attempt, 1),
        number(query.get("line", "")),
        number(query.get("until", "")),
        text if text.strip() else "",
        not named or attempt == run.attempt,
    )


def view(run: Execution, what: LogQuery) -> LogView:
    if what.line:
        piece = logs.around(run, what.attempt, what.line)
    elif what.until:
        piece = logs.before(run, what.attempt, what.until)
    else:
        piece = logs.tail(run, what.attempt)
    found = log_search.search(run, what.attempt, what.text) if what.text else None
    return LogView(run, what, piece, found)


def number(text: str) -> int:
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    return value if value < MOST else 0


def lines_of(piece: LogExcerpt, style: ansi.Style = ansi.USUAL) -> Lines:
    """The whole lines; the one without an end is made by `last_line`."""
    found = Lines(style=style)
    if piece.text:
        for place, text in enumerate(piece.text[:-1].split("\n"), piece.first):
            html, is_error, found.style = _line(place, text, found.style)
            found.html.append(html)
            if is_error:
                found.errors.append(place)
    return found


def last_line(run: Execution, what: LogQuery, piece: LogExcerpt, style: ansi.Style, *, live: bool) -> str:
    """The line without an end; of a run that goes on it asks for what comes next, and is replaced by it."""
    if not live:
        return _line(piece.following, piece.line, style)[0] if piece.line else ""
    query = {
        "attempt": what.attempt,
        "after": piece.last,
        "line": piece.following,
        "style": style.code,
        "newest": int(what.newest),
    }
    url = escape(f"{reverse('execution-output', args=[run.uid])}?{urlencode(query)}")
    asks = f' class="next" hx-get="{url}" hx-trigger="every 2s" hx-swap="outerHTML"'
    if not piece.line:
        return f"<li{asks}></li>"
    return _line(piece.following, piece.line, style, asks)[0]


def _line(place: int, text: str, style: ansi.Style, asks: str = "") -> tuple[str, bool, ansi.Style]:
    """Its number is a link to itself that the keyboard passes by: a page has thousands."""
    pieces, style = ansi.parts(text, style)
    is_error = WRONG.search("".join(part for part, _style in pieces)) is not None
    sign = asks or (' class="wrong"' if is_error else "")
    link = f'<a href="#L{place}" tabindex="-1">{place}</a>'
    return f'<li id="L{place}"{sign}>{link}{ansi.html(pieces)}</li>', is_error, style
