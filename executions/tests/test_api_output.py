"""`output` of a run in the API: the beginning of what it wrote, as a terminal shows it; no early state of a progress bar."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from conftest import Api
from executions.models import LogChunk
from executions.tests.test_page_list import make_run
from jobs.tests.factories import make_job

BAR = [f"\r{percent:3}%" for percent in range(0, 101, 10)]


@pytest.mark.parametrize(
    ("chunks", "output"),
    [
        (["one\n", "two\n"], "one\ntwo\n"),
        (["one", " and a half\n"], "one and a half\n"),
        (["start\n", *BAR, "\ndone\n"], "start\n"),
        ([*BAR], "100%"),
        ([*BAR, "\r100% done\n"], "100% done\n"),
        (["load 0%", "\rload 50%", "\rload 100%\n"], "load 100%\n"),
        (["".join(BAR) + "\n"], "100%\n"),
        (["x" * 5000], "x" * 1000),
        (["x" * 600, "y" * 600, "z"], "x" * 600 + "y" * 400),
        (["a\n" + "".join(BAR * 50) + "\n", "b\n"], "a\n"),
        ([], None),
    ],
)
def test_the_output_of_code(api: Api, ada: User, chunks: list[str], output: str | None) -> None:
    run = make_run(make_job(ada), kind="script", state="success", attempt=1)
    for text in chunks:
        LogChunk.objects.create(execution=run, attempt=1, at=run.due_at, text=text)
    for told in (
        api(ada).get(f"/api/v2/executions/{run.uid}").json()["execution"],
        api(ada).get("/api/v2/executions").json()["executions"][0],
    ):
        assert (told["output"] or "").lstrip(" ") == (output or "")


def test_the_logs_of_a_list_are_read_in_one_statement(
    api: Api, ada: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    job, written = make_job(ada), {}
    for number in range(5):
        run = make_run(job, kind="webhook" if number % 2 else "script", state="success", attempt=1)
        for text in ("first\n", "second\n", "last\n"):
            LogChunk.objects.create(execution=run, attempt=1, at=run.due_at, text=f"{number} {text}")
        written[str(run.uid)] = f"{number} last\n" if number % 2 else f"{number} first\n{number} second\n"
    with django_assert_max_num_queries(3):  # whose request it is, the runs, their logs
        told = api(ada).get("/api/v2/executions?cursor=").json()["executions"]
    assert {run["id"]: run["output"] for run in told} == written
