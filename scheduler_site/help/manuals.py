"""The manuals of `docs/` and the README, rendered from Markdown once per process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from markdown_it import MarkdownIt
from markdown_it.token import Token

README = "readme"
USE = _("Daily use")
# A manual that stands in none of these is one of daily use.
GROUPS = (
    (_("Start here"), (README,)),
    (USE, ("api", "job-classes", "scripts", "environments", "github-actions", "baselines", "themes")),
    (
        _("Operation"),
        ("operations", "configuration", "security", "reliability", "performance", "audit"),
    ),
    (
        _("Moving to Belfry"),
        ("moving-from-cron", "moving-from-ndscheduler", "moving-from-conda-task-manager"),
    ),
    (_("Development"), ("development",)),
)
MOST_FOUND = 50


@dataclass(frozen=True)
class Section:
    """The text below a heading, up to the next one. `anchor` is empty above the first."""

    heading: str
    anchor: str
    text: str


@dataclass(frozen=True)
class Manual:
    name: str
    title: str
    html: SafeString
    sections: tuple[Section, ...]

    @property
    def url(self) -> str:
        return reverse("help-page", args=[self.name])


@dataclass(frozen=True)
class Found:
    book: Manual
    section: Section

    @property
    def url(self) -> str:
        return f"{self.book.url}#{self.section.anchor}" if self.section.anchor else self.book.url


def names() -> list[str]:
    """The manuals that are there; an installation may have left them out."""
    found = sorted(path.stem for path in (settings.BASE_DIR / "docs").glob("*.md"))
    return [*([README] if _path(README).exists() else []), *found]


@cache
def book(name: str) -> Manual | None:
    """The manual of this name; None if there is none."""
    if name not in names():
        return None
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(_path(name).read_text(encoding="utf-8"))
    anchors: dict[str, int] = {}
    for opening, inline in _headings(tokens):
        opening.attrSet("id", _anchor(inline.content, anchors))
    for token in tokens:
        token.attrs.pop("style", None)  # the alignment of columns, which the Content-Security-Policy forbids
        for child in token.children or ():
            if child.type == "link_open":
                _lead(child)
    sections = tuple(_sections(tokens))
    title = next((section.heading for section in sections if section.heading), name)
    html: str = parser.renderer.render(tokens, parser.options, {})
    # Long lines and wide tables are scrolled by keys, too; the corner of a table is no heading. The texts are escaped already.
    html = html.replace("<pre>", '<pre tabindex="0">').replace("<th></th>", "<td></td>")
    html = html.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace(
        "</table>", "</table></div>"
    )
    return Manual(name, title, mark_safe(html), sections)  # noqa: S308 - HTML in the sources is escaped (html=False)


def shelves() -> Iterator[tuple[str, list[Manual]]]:
    """The groups, each with its manuals."""
    there = names()
    listed = {name for _label, group in GROUPS for name in group}
    for label, group in GROUPS:
        wanted = [*group, *(sorted(set(there) - listed) if label is USE else ())]
        books = [found for name in wanted if name in there and (found := book(name))]
        if books:
            yield str(label), books


def search(query: str) -> list[Found]:
    """The sections in which all words of the query stand, those with a word in the heading first; at most 50."""
    words = query.casefold().split()
    if not words:
        return []
    found = [
        Found(manual, section)
        for name in names()
        if (manual := book(name))
        for section in manual.sections
        if all(word in f"{section.heading} {section.text}".casefold() for word in words)
    ]
    found.sort(key=lambda hit: not any(word in hit.section.heading.casefold() for word in words))
    return found[:MOST_FOUND]


def _path(name: str) -> Path:
    base: Path = settings.BASE_DIR
    return base / "README.md" if name == README else base / "docs" / f"{name}.md"


def _headings(tokens: list[Token]) -> Iterator[tuple[Token, Token]]:
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            yield token, tokens[index + 1]


def _anchor(heading: str, taken: dict[str, int]) -> str:
    """As GitHub makes it, so that links work in both places."""
    anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
    taken[anchor] = number = taken.get(anchor, -1) + 1
    return f"{anchor}-{number}" if number else anchor


def _lead(link: Token) -> None:
    """Links between the manuals lead to their pages; those to other files of the sources lead nowhere."""
    target = urlsplit(str(link.attrGet("href") or ""))
    if target.scheme or not target.path:
        return
    path = Path(target.path)
    name = README if path.name == "README.md" else path.stem
    if path.suffix == ".md" and name in names():
        fragment = f"#{target.fragment}" if target.fragment else ""
        link.attrSet("href", reverse("help-page", args=[name]) + fragment)
    else:
        link.attrs.pop("href")


def _sections(tokens: list[Token]) -> Iterator[Section]:
    heading, anchor, lines, is_heading = "", "", list[str](), False
    for token in tokens:
        if token.type == "heading_open":
            if heading or lines:
                yield Section(heading, anchor, " ".join(lines))
            anchor, lines, is_heading = str(token.attrGet("id")), [], True
        elif token.type == "inline" and is_heading:
            heading, is_heading = token.content, False
        elif token.type in ("inline", "fence", "code_block"):
            lines.append(token.content)
    yield Section(heading, anchor, " ".join(lines))
