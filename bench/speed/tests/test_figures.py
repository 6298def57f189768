"""The table of the speed bench says what its figures say."""

from __future__ import annotations

import pytest

from bench.speed.figures import Line, Target, heading, number, render, spread


def test_the_ratio_is_the_median_of_the_repeats_ratios() -> None:
    assert Line("", "s", [1, 30, 2], [2, 10, 4]).ratio == 0.5


def test_without_pairs_the_ratio_is_that_of_the_medians() -> None:
    assert Line("", "s", [1, 2, 3], [4]).ratio == 0.5


@pytest.mark.parametrize("others", [[], [0.0]])
def test_there_is_no_ratio_without_another_side(others: list[float]) -> None:
    assert Line("", "s", [1], others, Target("<=", 1)).met is None


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target(">=", 0.5), True),
        (Target(">=", 0.6), False),
        (Target("<=", 2, "value"), True),
        (Target("<", 2, "value"), False),
        (None, None),
    ],
)
def test_a_target_is_held_against_the_ratio_or_against_belfrys_figure(
    target: Target | None, met: bool | None
) -> None:
    assert Line("", "s", [2], [4], target).met is met


def test_without_values_there_are_no_percentiles() -> None:
    with pytest.raises(ValueError, match="nothing"):
        spread([])


def test_without_figures_of_belfrys_no_target_is_met() -> None:
    assert Line("", "s", [], [1], Target("<=", 2)).met is None


def test_percentiles_are_values_that_were_measured() -> None:
    assert spread([float(value) for value in range(1, 201)]) == {"p50": 100, "p99": 198, "max": 200}


@pytest.mark.parametrize(
    ("value", "text"), [(1234.5, "1234"), (12.34, "12.3"), (1.234, "1.23"), (0.0012, "0.0012"), (0.0, "0")]
)
def test_a_figure_has_the_digits_that_mean_something(value: float, text: str) -> None:
    assert number(value) == text


def test_a_line_shows_both_sides_the_ratio_the_verdict_and_the_raw_figures() -> None:
    text = render("drain", Line("runs per second", "/s", [80, 90], [100, 100], Target(">=", 0.8), "a note"))
    first, second = text.splitlines()
    assert first.split() == [
        "drain",
        "runs",
        "per",
        "second",
        "85.0",
        "/s",
        "100",
        "/s",
        "0.85x",
        ">=",
        "0.8x",
        "met",
    ]
    assert second.strip() == "raw 80.0 90.0 | 100 100   (a note)"
    assert heading().split() == ["row", "what", "Belfry", "other", "ratio", "target"]
