"""What a tick costs when nearly all jobs are not due."""

from __future__ import annotations

from collections.abc import Iterator

from bench.speed import population
from bench.speed.bench import Bench
from bench.speed.figures import Line, Target
from bench.speed.noop import IO
from bench.speed.rows.burst import at_a_minute

DUE, FEW = 1000, 100


def due_of_many(bench: Bench) -> Iterator[Line]:
    """1,000 due of 100,000 beside 1,000 due of 1,000; 100 due of 100,000"""
    total = bench.many
    many: list[float] = []
    alone: list[float] = []
    messages: list[float] = []
    with bench.belfry("beat", "io"):
        _last_message(bench, "warm")
        # Before and after, because the machine's other work comes and goes.
        alone.append(at_a_minute(bench, DUE, IO))
        bench.forget()
        population.fill(total)
        for turn in range(bench.size(1, 3)):
            many.append(at_a_minute(bench, DUE, IO, name=f"due {turn}"))
            messages.append(_last_message(bench, f"few {turn}"))
        alone.append(at_a_minute(bench, DUE, IO))
    yield Line(f"{DUE} due of {total} / of {DUE}, last start", "s", many, alone, Target("<=", 1.5))
    yield Line(f"{FEW} due of {total}, last message", "s", messages, (), Target("<=", 0.2, "value"))


def _last_message(bench: Bench, name: str) -> float:
    due = bench.soon()
    population.add(FEW, [population.interval(due)], name=name)
    bench.wait(lambda: population.ended(scheduled_for=due) >= FEW, 60, "the runs to end")
    return population.last_message(scheduled_for=due) - due.timestamp()
