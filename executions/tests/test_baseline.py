"""What is usual, and what is not: found whatever the scale, and nobody is told of the usual jitter."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from executions.alerting.baseline import BYTES, LEARNING, SECONDS, WINDOW, Measure, Usual, usual
from scheduler_site.tests.rounds import rounds

RUNS = 500
SEEDS = rounds(4)
Jitter = Callable[[random.Random], float]
# The usual jitter, as a factor of the median.
JITTERS: dict[str, Jitter] = {
    "none": lambda _chance: 1.0,
    "normal, a tenth": lambda chance: max(0.05, chance.gauss(1, 0.1)),
    "lognormal, a seventh": lambda chance: math.exp(chance.gauss(0, 0.14)),
    "uniform, a quarter": lambda chance: chance.uniform(0.75, 1.25),
    "two ways through the job": lambda chance: (
        (1.0 if chance.random() < 0.6 else 1.4) * math.exp(chance.gauss(0, 0.05))
    ),
    "mostly alike, with a tail": lambda chance: 1 + 0.1 * chance.expovariate(1),
    "gamma": lambda chance: chance.gammavariate(50, 1 / 50),
    "one in twenty is half as long again": lambda chance: (
        chance.gauss(1, 0.05) * (1.5 if chance.random() < 0.05 else 1)
    ),
}


def learned(jitter: Jitter, scale: float, seed: int, runs: int, measure: Measure = SECONDS) -> Usual:
    chance = random.Random(seed)
    return usual([scale * jitter(chance) for _ in range(runs)], measure)


@pytest.mark.parametrize("jitter", JITTERS.values(), ids=JITTERS)
@pytest.mark.parametrize("scale", [0.01, 1.0, 42.0, 7200.0])
def test_runs_as_they_always_are_tell_nobody(jitter: Jitter, scale: float) -> None:
    for seed in SEEDS:
        chance, past = random.Random(seed), list[float]()
        for _ in range(RUNS):
            value = scale * jitter(chance)
            assert usual(past, SECONDS).verdict(value) == ""
            past.insert(0, value)


@pytest.mark.parametrize("jitter", JITTERS.values(), ids=JITTERS)
def test_memory_as_it_always_is_tells_nobody(jitter: Jitter) -> None:
    def small(chance: random.Random) -> float:
        return 1 + (jitter(chance) - 1) / 3  # memory varies less

    for seed in SEEDS:
        chance, past = random.Random(seed), list[float]()
        for _ in range(RUNS):
            value = 2e8 * small(chance)
            assert usual(past, BYTES).verdict(value) == ""
            past.insert(0, value)


@pytest.mark.parametrize("jitter", JITTERS.values(), ids=JITTERS)
@pytest.mark.parametrize("scale", [1.0, 42.0, 7200.0])
@pytest.mark.parametrize("runs", [LEARNING, 20, WINDOW, RUNS])
def test_three_times_as_long_and_a_tenth_are_always_found(jitter: Jitter, scale: float, runs: int) -> None:
    for seed in SEEDS:
        found = learned(jitter, scale, seed, runs)
        assert found.verdict(3 * found.median) == "high"
        assert found.verdict(0.1 * found.median) == "low"


@pytest.mark.parametrize("runs", [LEARNING, WINDOW])
def test_jumps_are_found_though_they_vary_as_well(runs: int) -> None:
    def jitter(chance: random.Random) -> float:
        return chance.gauss(1, 0.07)

    for seed in SEEDS:
        found, chance = learned(jitter, 10.0, seed, runs), random.Random(-seed)
        assert {found.verdict(30 * jitter(chance)) for _ in range(50)} == {"high"}
        assert {found.verdict(1 * jitter(chance)) for _ in range(50)} == {"low"}


@pytest.mark.parametrize("value", [0.0, 0.05, 0.5])
def test_a_tiny_difference_tells_nobody_whatever_the_factor(value: float) -> None:
    assert usual([0.02] * WINDOW, SECONDS).verdict(value) == ""
    assert usual([1e6] * WINDOW, BYTES).verdict(1.5e7) == ""


def test_less_memory_is_nothing_to_tell() -> None:
    assert usual([1e9] * WINDOW, BYTES).verdict(1.0) == ""
    assert usual([1e9] * WINDOW, BYTES).verdict(3e9) == "high"


def test_while_it_learns_it_tells_nothing() -> None:
    found = usual([1.0] * (LEARNING - 1), SECONDS)
    assert (found.is_learning, found.count, found.verdict(1e6)) == (True, LEARNING - 1, "")
    assert usual([1.0] * LEARNING, SECONDS).verdict(1e6) == "high"
    assert usual([], SECONDS).verdict(1.0) == ""


def test_some_odd_runs_do_not_decide_what_is_usual() -> None:
    values = [10.0] * 40 + [900.0] * 10
    found = usual(random.Random(1).sample(values, len(values)), SECONDS)
    assert found.median == 10.0
    assert found.verdict(30.0) == "high"


def test_what_became_usual_is_not_told_for_ever() -> None:
    slower = [30.0] * (WINDOW // 2 + 1) + [10.0] * (WINDOW // 2 - 1)
    assert usual(slower, SECONDS).verdict(30.0) == ""


def test_only_the_newest_runs_count() -> None:
    assert usual([1.0] * WINDOW + [1e6] * 1000, SECONDS) == usual([1.0] * WINDOW, SECONDS)


def test_bounds_are_on_both_sides_of_the_median() -> None:
    for jitter in JITTERS.values():
        found = learned(jitter, 5.0, 1, WINDOW)
        assert found.low < found.median < found.high
        assert found.spread >= 1
