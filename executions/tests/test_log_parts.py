"""Of a log the page shows a part, with the numbers that its lines have in the whole; all of it is searched."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from accounts.models import User
from executions.models import Execution, LogChunk, State
from executions.monitoring import log_search, logs
from executions.tests.test_page_list import make_run
from jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(uma: User) -> Execution:
    return make_run(make_job(uma), state=State.SUCCESS, attempt=1)


def write(run: Execution, *texts: str, counted: bool = True, attempt: int = 1) -> list[LogChunk]:
    pieces = [
        LogChunk(
            execution=run,
            attempt=attempt,
            at=timezone.now(),
            text=text,
            ends=text.count("\n") if counted else None,
            size=len(text) if counted else None,
        )
        for text in texts
    ]
    return LogChunk.objects.bulk_create(pieces)


def numbered(first: int, last: int, width: int = 0) -> str:
    return "".join(f"line {number}{'.' * width}\n" for number in range(first, last + 1))


def in_pieces(text: str, size: int = 30_001) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def lines_of(piece: logs.LogExcerpt) -> dict[int, str]:
    texts = (piece.text + piece.line).split("\n")
    return {piece.first + place: text for place, text in enumerate(texts) if text}


def agrees(piece: logs.LogExcerpt) -> bool:
    """Each line has the number that is written in it."""
    return all(text.strip(".") == f"line {number}" for number, text in lines_of(piece).items())


def test_a_short_log_is_shown_from_line_one(run: Execution) -> None:
    write(run, "line 1\nli", "ne 2\nline 3")
    piece = logs.tail(run, 1)
    assert agrees(piece)
    assert (piece.first, piece.final, piece.cut) == (1, 3, False)
    assert logs.tail(run, 2) == logs.LogExcerpt()


@pytest.mark.parametrize("counted", [True, False])
def test_the_end_of_a_long_log_has_the_numbers_of_the_whole(run: Execution, counted: bool) -> None:
    text = numbered(1, 9000, 40)
    write(run, *in_pieces(text), counted=counted)
    piece = logs.tail(run, 1)
    assert agrees(piece)
    assert piece.final == 9000
    assert piece.total == (9000, len(text))
    assert piece.before
    assert logs.LIMIT - 100 < piece.shown <= logs.LIMIT


def test_of_a_long_line_before_a_short_end_both_are_shown(run: Execution) -> None:
    write(run, "GET /\n200 OK\n", "x" * logs.LIMIT + "\n[Showing the first 64 KiB]")
    piece = logs.tail(run, 1)
    (body, note) = lines_of(piece).items()
    assert note == (4, "[Showing the first 64 KiB]")
    assert (body[0], set(body[1])) == (3, {"x"})
    assert len(body[1]) > logs.LIMIT - 100
    assert piece.before


def test_of_many_short_lines_no_more_are_shown_than_a_page_bears(run: Execution) -> None:
    write(run, *in_pieces(numbered(1, 7000)))
    piece = logs.tail(run, 1)
    assert agrees(piece)
    assert (piece.first, piece.final) == (7001 - logs.MOST_LINES, 7000)


@pytest.mark.parametrize("line", [1, 2, 700, 2500, 8999, 9000])
def test_any_line_can_be_looked_at_with_what_is_around_it(run: Execution, line: int) -> None:
    write(run, *in_pieces(numbered(1, 9000, 40)))
    piece = logs.around(run, 1, line)
    assert agrees(piece)
    assert piece.first == max(1, line - logs.CONTEXT)
    assert line <= piece.final
    assert piece.total[0] == 9000
    earlier = logs.before(run, 1, piece.first)
    assert agrees(earlier)
    assert earlier.final == piece.first - 1


def test_a_line_beyond_the_end_means_the_end(run: Execution) -> None:
    write(run, *in_pieces(numbered(1, 9000, 40)))
    assert logs.around(run, 1, 10**9) == logs.before(run, 1, 10**9) == logs.tail(run, 1)


def test_very_long_lines_hide_none_that_is_asked_for(run: Execution) -> None:
    write(run, *in_pieces(numbered(1, 6, 50_000)))
    piece = logs.around(run, 1, 4)
    assert agrees(piece)
    assert 4 in lines_of(piece)


def test_what_is_new_begins_with_the_line_that_had_no_end(run: Execution) -> None:
    first, second = write(run, "line 1\nli", "ne 2\nline 3\nli")
    piece = logs.after(run, 1, first.pk, 2)
    assert piece is not None
    assert lines_of(piece) == {2: "line 2", 3: "line 3", 4: "li"}
    assert logs.after(run, 1, second.pk, 4) == logs.LogExcerpt(first=4, last=second.pk)
    write(run, "x" * (logs.LIMIT + 1))
    assert logs.after(run, 1, second.pk, 4) is None


def test_all_of_a_log_is_searched_as_it_is_shown(run: Execution) -> None:
    write(
        run,
        "begin\nan \x1b[31mERR",
        "OR\x1b[0m here\nerror 10%\rdone\n",
        numbered(4, 3000, 40),
        "<error> at the end",
    )
    found = log_search.search(run, 1, "error")
    assert [(hit.number, hit.before + hit.match + hit.after) for hit in found.hits] == [
        (2, "an ERROR here"),
        (3001, "<error> at the end"),
    ]
    assert (found.count, found.lines, found.complete) == (2, 3001, True)


def test_more_lines_are_counted_than_listed(run: Execution) -> None:
    write(run, *in_pieces(numbered(1, 5000)))
    found = log_search.search(run, 1, "Line")
    assert (found.count, len(found.hits), found.more) == (5000, log_search.SHOWN, 5000 - log_search.SHOWN)


def test_a_search_ends_when_its_time_is_over(run: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_search, "SECONDS", -1.0)
    write(run, numbered(1, 10), numbered(11, 20))
    found = log_search.search(run, 1, "line")
    assert (found.count, found.complete) == (10, False)


def test_lines_without_an_end_are_searched_in_bounded_memory(run: Execution) -> None:
    began = time.monotonic()
    write(run, *["0123456789" * 5000 + "\r"] * 40, "last one\n")
    assert log_search.search(run, 1, "last").count == 1
    assert time.monotonic() - began < 60
