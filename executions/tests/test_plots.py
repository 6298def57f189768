"""What runs needed, drawn on the pages of a run and of its job: axes, a title, and the same in words."""

from __future__ import annotations

import datetime as dt
import re
from xml.etree import ElementTree

import pytest

from accounts.models import User
from executions.models import Execution, Measurement, State
from executions.pages import charts
from executions.tests.test_page_list import make_run
from jobs.models import Job
from jobs.tests.factories import make_job, moment
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db
POINTS = [[0.0, 10_000_000, 0.0], [1.0, 90_000_000, 0.5], [2.0, 30_000_000, 1.5]]


def drawings(page: str) -> list[ElementTree.Element]:
    """The drawings with axes, which must be well-formed."""
    found = re.findall(r"<figure class=\"plot\">.*?(<svg.*?</svg>)", page, re.DOTALL)
    return [ElementTree.fromstring(svg) for svg in found]


def labels(svg: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in svg.iter("text")]


def measured(**values: object) -> Execution:
    run = make_run(make_job(), state=State.SUCCESS, kind="script", attempt=1, **values)
    Measurement.objects.create(execution=run, attempt=1, points=POINTS)
    return run


def run_page(user: User, run: Execution) -> str:
    return browser(user).get(f"/executions/{run.uid}").content.decode()


def test_the_page_of_a_run_draws_memory_and_processor_over_its_time(vic: User) -> None:
    memory, load = drawings(run_page(vic, measured()))
    assert memory.get("role") == load.get("role") == "img"
    assert (
        memory.get("aria-label") == "Memory: 10.0 MB at first, 90.0 MB at most, 30.0 MB at last, over 2.00 s"
    )
    assert "50 % at first, 100 % at most, 100 % at last" in (load.get("aria-label") or "")
    assert labels(memory) == ["0.0 MB", "50.0 MB", "100.0 MB", "0 s", "0.5 s", "1 s", "1.5 s", "2 s"]


def test_it_tells_memory_and_processor_time_as_numbers_too(vic: User) -> None:
    page = run_page(vic, measured(peak_memory=90_000_000, mean_memory=40_000_000, cpu_seconds=1.5))
    for text in ("90.0 MB", "mean 40.0 MB", "CPU time", "1.50 s"):
        assert text in page


def test_of_several_attempts_the_last_that_was_measured_is_drawn(vic: User) -> None:
    run = measured()
    Measurement.objects.create(
        execution=run, attempt=2, points=[[0.0, 1_000_000, 0.0], [1.0, 2_000_000, 0.1]]
    )
    Execution.objects.update(attempt=2)
    page = run_page(vic, run)
    assert "attempt 2" in page
    assert "2.0 MB at most" in page


@pytest.mark.parametrize("points", [[], [[0.0, 5, 0.0]], [[0.0, 0, 0.0], [0.0, 0, 0.0]]])
def test_too_few_points_are_no_drawing_and_no_fault(vic: User, points: list[list[float]]) -> None:
    run = measured()
    Measurement.objects.update(points=points)
    assert browser(vic).get(f"/executions/{run.uid}").status_code == 200


def history(count: int, **values: object) -> Job:
    job = make_job()
    for number in range(count):
        due = moment("2026-03-01 10:00") + dt.timedelta(hours=number)
        make_run(job, state=State.SUCCESS, due_at=due, duration=1.0 + number, **values)
    return job


def job_page(user: User, job: Job) -> str:
    return browser(user).get(f"/jobs/{job.uid}").content.decode()


def test_the_page_of_a_job_draws_duration_and_peak_memory_of_its_last_runs(vic: User) -> None:
    job = history(3, peak_memory=5_000_000, mean_memory=4_000_000, cpu_seconds=0.5)
    page = job_page(vic, job)
    duration, memory = drawings(page)
    assert duration.get("aria-label") == "Duration: the last 3 runs: 1.00 s to 3.00 s, of the latest 3.00 s"
    assert "5.0 MB to 5.0 MB" in (memory.get("aria-label") or "")
    (columns,) = duration.iter("path")
    assert (columns.get("d") or "").count("M") == 3
    for text in ("Mean memory", "4.0 MB", "0.50 s"):
        assert text in page


def test_a_job_that_calls_has_no_memory_to_draw(vic: User) -> None:
    page = job_page(vic, history(2))
    assert len(drawings(page)) == 1
    assert "Peak memory" not in page


@pytest.mark.parametrize("count", [0, 1])
def test_one_run_is_no_history(vic: User, count: int) -> None:
    assert drawings(job_page(vic, history(count))) == []


@pytest.mark.parametrize(
    ("largest", "expected"),
    [(0, (1, 0.5)), (3, (3, 1)), (90, (100, 50)), (0.04, (0.04, 0.01)), (1e12, (1e12, 5e11)), (7, (8, 2))],
)
def test_an_axis_ends_at_a_round_number_with_few_labels(
    largest: float, expected: tuple[float, float]
) -> None:
    top, step = charts._scale([largest])
    assert (top, step) == pytest.approx(expected)
    assert top >= largest
    assert round(top / step) <= charts.MOST_TICKS


@pytest.mark.parametrize(
    ("last", "apart"), [(3, 1), (40, 10), (100, 30), (3600, 900), (86400 * 9, 86400 * 3)]
)
def test_times_are_labelled_as_clocks_count(last: float, apart: float) -> None:
    assert charts._clock_step(last) == pytest.approx(apart)
