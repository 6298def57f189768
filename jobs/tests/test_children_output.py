"""What a child prints arrives as text, whole, and in small pieces."""

from __future__ import annotations

import hashlib

from jobs.children.values import Exec

from .processes import Stopwatch, run_child


class Digest(Stopwatch):
    """Keeps no text, only its size, digest and largest piece."""

    def __init__(self) -> None:
        super().__init__()
        self.size = self.largest = 0
        self.digest = hashlib.sha256()

    def __call__(self, text: str) -> None:
        self.size += len(text)
        self.largest = max(self.largest, len(text))
        self.digest.update(text.encode())


def test_both_streams_are_in_the_log() -> None:
    assert sorted(run_child(Exec(["sh", "-c", "echo out; echo err >&2"]))[1].split()) == ["err", "out"]


def test_nul_bytes_are_dropped_and_invalid_utf8_is_replaced() -> None:
    assert run_child(Exec(["printf", r"a\000b\377c"]))[1] == "ab�c"


def test_a_character_split_over_two_writes_stays_one_character() -> None:
    assert run_child(Exec(["sh", "-c", r"printf '\342'; sleep 0.3; printf '\202\254'"]))[1] == "€"


def test_half_a_character_at_the_end_is_replaced() -> None:
    assert run_child(Exec(["printf", r"x\342\202"]))[1] == "x�"


def test_ten_megabytes_arrive_whole_in_bounded_pieces() -> None:
    log = Digest()
    run_child(Exec(["sh", "-c", "yes 0123456789abcde | head -c 10485760"]), log=log)
    assert log.size == 10485760
    assert log.digest.digest() == hashlib.sha256(b"0123456789abcde\n" * 655360).digest()
    assert log.largest <= 65536


def test_endless_output_does_not_outlast_the_time_limit() -> None:
    assert run_child(Exec(["yes"]), log=Digest(), timeout=0.5)[0].ending == "timeout"


def test_output_is_shown_while_the_child_runs() -> None:
    seen: list[str] = []
    log = Stopwatch("first", lambda: seen.append(log.text))
    run_child(Exec(["sh", "-c", "echo first; sleep 0.5; echo second"]), log=log)
    assert seen == ["first\n"]


def test_there_is_nothing_to_read_on_standard_input() -> None:
    finished, text = run_child(Exec(["cat"]))
    assert (finished.exit_code, text) == (0, "")
