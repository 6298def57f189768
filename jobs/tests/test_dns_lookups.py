"""Names that do not answer hold up nobody who asks for another."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from jobs.runners import dns_lookups
from jobs.runners.dns_lookups import LookupThreads


class System:
    """Dead names are answered when the test says so; others at once."""

    def __init__(self) -> None:
        self.go_on, self.asked = threading.Event(), list[str]()

    def __call__(self, host: str, port: int) -> str:
        self.asked.append(host)
        if "dead" in host:
            self.go_on.wait(20)
            raise OSError("Name or service not known")
        return f"{host} is there"


@pytest.fixture
def system() -> Iterator[System]:
    system = System()
    yield system
    system.go_on.set()


def test_a_healthy_name_is_found_behind_64_dead_ones(system: System) -> None:
    names: LookupThreads[str] = LookupThreads()
    for number in range(64):
        names.submit(system, f"dead-{number}.example", 443)
    assert names.submit(system, "healthy.example", 443).result(10) == "healthy.example is there"


def test_names_that_were_slow_before_have_threads_of_their_own(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_lookups, "SLOW", -1.0)
    monkeypatch.setattr(dns_lookups, "THREADS", 4)
    names: LookupThreads[str] = LookupThreads()
    system.go_on.set()
    for number in range(20):
        with pytest.raises(OSError, match="not known"):
            names.submit(system, f"dead-{number}.example", 443).result(10)
    system.go_on.clear()
    for number in range(20):
        names.submit(system, f"dead-{number}.example", 443)
    assert names.submit(system, "healthy.example", 443).result(10) == "healthy.example is there"


def test_who_asks_for_a_name_that_is_being_looked_up_waits_for_that_answer(system: System) -> None:
    names: LookupThreads[str] = LookupThreads()
    answers = [names.submit(system, "Dead.example" if number else "dead.example", 443) for number in range(5)]
    assert answers[0].cancel()
    system.go_on.set()
    for answer in answers[1:]:
        with pytest.raises(OSError, match="not known"):
            answer.result(10)
    assert system.asked == ["dead.example"]


def test_every_question_after_an_answer_is_asked_anew(system: System) -> None:
    names: LookupThreads[str] = LookupThreads()
    for _ in range(3):
        names.submit(system, "healthy.example", 443).result(10)
    assert len(system.asked) == 3
