"""What a run writes arrives in pieces, and a flood of it does no harm."""

from __future__ import annotations

from executions.worker.output import HEAD, PIECE, TAIL, OutputWriter


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def sink() -> tuple[OutputWriter, list[str], Clock]:
    pieces: list[str] = []
    clock = Clock()
    return OutputWriter(pieces.append, clock=clock), pieces, clock


def test_small_texts_are_written_together_after_a_second() -> None:
    out, pieces, clock = sink()
    out("one\n")
    out("two\n")
    assert pieces == []
    clock.now = 1.0
    out("three\n")
    assert pieces == ["one\ntwo\nthree\n"]


def test_what_a_silent_run_wrote_is_written_when_it_has_waited_for_a_second() -> None:
    out, pieces, clock = sink()
    clock.now = 0.5
    out("hello\n")
    clock.now = 1.25
    out.flush()
    assert pieces == []
    clock.now = 1.5
    out.flush()
    assert pieces == ["hello\n"]


def test_much_text_is_written_at_once() -> None:
    out, pieces, _ = sink()
    out("x" * PIECE)
    assert len(pieces) == 1


def test_the_rest_is_written_at_the_end_and_nothing_twice() -> None:
    out, pieces, _ = sink()
    out("rest")
    out.close()
    out.close()
    assert pieces == ["rest"]


def test_of_a_flood_the_beginning_and_the_end_are_kept_and_the_gap_is_named() -> None:
    out, pieces, _ = sink()
    for number in range(12 * 1024):
        out(f"{number:08d}" + "x" * 1016)
    out.close()
    text = "".join(pieces)
    assert text.startswith("00000000x")
    assert text.endswith("x" * 1016)
    assert "00012287x" in text
    assert "characters left out" in text
    assert len(text) < HEAD + TAIL + PIECE + 200


def test_what_is_left_out_is_counted_exactly() -> None:
    out, pieces, _ = sink()
    for _ in range(10 * 1024):
        out("x" * 1024)
    out.close()
    text = "".join(pieces)
    gap = int(text.split("[... ")[1].split(" ")[0])
    assert text.count("x") + gap == 10 * 1024 * 1024 + "characters left out".count("x")
