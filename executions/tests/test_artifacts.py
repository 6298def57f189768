"""Files that a run left: on record with its end, listed, shown where that is harmless, and never anything else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings as configured
from pytest_django.fixtures import Settings

from accounts.models import Category, User
from conftest import Api
from executions.ledger import artifacts, outcomes
from executions.ledger.outcomes import Report
from executions.models import Artifact, Execution, Measurement, State
from executions.tests.conftest import WORKER, Ledger
from executions.tests.test_page_list import make_run
from jobs.runners import Outcome
from jobs.runners.base import File
from jobs.tests.factories import make_job, moment
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
ODD_NAMES = [
    "plain.txt",
    "plots/daily/one.txt",
    "with space & ampersand.txt",
    "日本語 中文.txt",
    "emoji 🦉.txt",
    "100%.txt",
    "what?.txt",
    "a#b.txt",
    'semi;colon,\'"quotes".txt',
    "line\nbreak.txt",
    "\x1b[31mred.txt",
    "-rf",
    "...",
    "back\\slash.txt",
    "x" * 250 + ".txt",
]


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"


def finished(job: Any = None, **values: Any) -> Execution:
    known = {"state": State.SUCCESS, "kind": "script", "attempt": 1} | values
    return make_run(job or make_job(), **known)


def folder(run: Execution) -> Path:
    return Path(configured.ARTIFACTS_DIR, run.uid.hex)


def place(run: Execution, name: str, attempt: int = 1) -> Path:
    path = folder(run) / str(attempt) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def leave(run: Execution, name: str, content: bytes = b"content", attempt: int = 1) -> Artifact:
    """A file as a run leaves it, and its row."""
    place(run, name, attempt).write_bytes(content)
    return run.artifacts.create(name=name, size=len(content), attempt=attempt)


def page_of(user: User, run: Execution) -> str:
    return browser(user).get(f"/executions/{run.uid}").content.decode()


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


# On record -----------------------------------------------------------------------------------------------------------


def end(ledger: Ledger, outcome: Outcome, times: int = 1) -> Execution:
    """A run that ended with this outcome, which was written so many times."""
    job = make_job(due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00:01")
    (claim,) = ledger.claim(ledger.rows(job)[0], "2026-03-01 10:00:02")
    for _ in range(times):
        outcomes.write([Report(claim, outcome)], WORKER, moment("2026-03-01 10:01"))
    return ledger.rows(job)[0]


OUTCOME = Outcome(
    "success",
    peak_memory=20,
    mean_memory=15,
    cpu_seconds=1.5,
    points=((0.0, 10, 0.0), (1.0, 20, 1.5)),
    artifacts=(File("a.txt", 3), File("b/c.txt", 4)),
)


def test_what_was_measured_and_left_is_on_record_with_the_end_of_the_run(ledger: Ledger) -> None:
    run = end(ledger, OUTCOME)
    assert (run.state, run.cpu_seconds, run.peak_memory) == ("success", 1.5, 20)
    assert run.measurements.get().points == [[0.0, 10, 0.0], [1.0, 20, 1.5]]
    assert list(run.artifacts.values_list("attempt", "name", "size")) == [(1, "a.txt", 3), (1, "b/c.txt", 4)]


def test_an_end_that_is_written_twice_is_on_record_once(ledger: Ledger) -> None:
    run = end(ledger, OUTCOME, times=2)
    assert (run.measurements.count(), run.artifacts.count()) == (1, 2)


def test_an_end_that_comes_too_late_leaves_nothing_on_record(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00:01")
    (claim,) = ledger.claim(ledger.rows(job)[0], "2026-03-01 10:00:02")
    Execution.objects.update(state="lost")
    outcomes.write([Report(claim, OUTCOME)], WORKER, moment("2026-03-01 10:01"))
    assert not Measurement.objects.exists()
    assert not Artifact.objects.exists()


def test_the_end_and_what_comes_with_it_are_written_together_or_not_at_all(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(outcomes, "_keep_evidence", fail)
    with pytest.raises(RuntimeError):
        end(ledger, OUTCOME)
    assert Execution.objects.get().state == "running"


def test_each_attempt_has_its_own(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", max_attempts=2)
    ledger.tick("2026-03-01 10:00:01")
    for minute, state in ((1, "failed"), (9, "success")):
        (claim,) = ledger.claim(ledger.rows(job)[0], f"2026-03-01 10:0{minute}")
        outcome = Outcome(state, points=OUTCOME.points, artifacts=OUTCOME.artifacts)  # type: ignore[arg-type]
        outcomes.write([Report(claim, outcome)], WORKER, moment(f"2026-03-01 10:0{minute}:30"))
    assert list(Measurement.objects.order_by("attempt").values_list("attempt", flat=True)) == [1, 2]
    assert Artifact.objects.filter(attempt=2).count() == 2


BAD_NAMES = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../x",
    "a/../../x",
    "a//b",
    "./a",
    "a/.",
    "a/",
    "nul\0",
    "\udc80",
    "x" * 501,
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_leads_elsewhere_never_comes_on_record(ledger: Ledger, name: str) -> None:
    run = end(ledger, Outcome("success", artifacts=(File(name, 1), File("good", 1))))
    assert list(run.artifacts.values_list("name", flat=True)) == ["good"]


# Fetched -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_of_any_name_can_be_saved_from_page_and_api(api: Api, vic: User, name: str) -> None:
    run = finished()
    leave(run, name, name.encode())
    for client, base in ((browser(vic), ""), (api(vic), "/api/v2")):
        answer = client.get(f"{base}/executions/{run.uid}/artifacts/{quote(name)}")
        assert answer.status_code == 200
        assert body(answer) == name.encode()
        assert_inert(answer)
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Length"] == str(len(name.encode()))


def assert_inert(answer: Any) -> None:
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_page_links_a_file_of_any_name_so_that_the_link_leads_there(vic: User, name: str) -> None:
    run = finished()
    leave(run, name, name.encode())
    (href,) = [
        part.partition('"')[0]
        for part in page_of(vic, run).split('href="')
        if part.startswith(f"/executions/{run.uid}/artifacts/")
    ]
    assert body(browser(vic).get(href.replace("&amp;", "&").replace("&#x27;", "'"))) == name.encode()


def test_a_name_cannot_add_a_header_or_hide_what_the_file_is() -> None:
    header = artifacts.disposition('a"\r\nSet-Cookie: x=1\r\n\r\n<script>.txt')
    assert header == 'attachment; filename="a\\"__Set-Cookie: x=1____<script>.txt"'
    # Turned around by an override of direction, this looks like gpj.exe.
    assert "%E2%80%AE" not in artifacts.disposition("exe.\u202egpj")
    assert artifacts.disposition("../../etc/passwd") == 'attachment; filename="passwd"'


@pytest.mark.parametrize(
    "name", ["..%2f..%2fsecret", "%2e%2e/secret", "nothing", "a/b/c", "x" * 5000, "%00", "a%0d%0a"]
)
def test_what_no_run_left_is_not_there(api: Api, vic: User, settings: Settings, name: str) -> None:
    run = finished()
    leave(run, "a.txt")
    Path(settings.ARTIFACTS_DIR, "secret").write_text("secret")
    assert browser(vic).get(f"/executions/{run.uid}/artifacts/{name}").status_code == 404
    answer = api(vic).get(f"/api/v2/executions/{run.uid}/artifacts/{name}")
    assert answer.status_code == 404


@pytest.mark.parametrize("attempt", ["3", "x", "", "9" * 40, "-1", "١"])
def test_of_an_attempt_that_is_none_nothing_worse_than_404_or_422_comes(
    api: Api, vic: User, attempt: str
) -> None:
    run = finished()
    leave(run, "a.txt")
    address = f"/executions/{run.uid}/artifacts/a.txt?attempt={attempt}"
    assert browser(vic).get(address).status_code in (200, 404)
    assert api(vic).get(f"/api/v2{address}").status_code in (200, 404, 422)


def test_of_several_attempts_the_last_one_that_left_it_counts_unless_another_is_named(
    api: Api, vic: User
) -> None:
    run = finished(attempt=3)
    leave(run, "a.txt", b"first", attempt=1)
    leave(run, "a.txt", b"second", attempt=2)
    address = f"/api/v2/executions/{run.uid}/artifacts/a.txt"
    assert body(api(vic).get(address)) == b"second"
    assert body(api(vic).get(f"{address}?attempt=1")) == b"first"
    assert api(vic).get(f"{address}?attempt=3").status_code == 404


def test_the_files_of_a_run_of_another_category_are_not_there(api: Api, vic: User) -> None:
    run = finished()
    leave(run, "a.txt")
    vic.category = Category.objects.create(name="Elsewhere")
    vic.save()
    assert browser(vic).get(f"/executions/{run.uid}/artifacts/a.txt").status_code == 404
    for route in ("artifacts", "artifacts/a.txt", "measurements"):
        assert api(vic).get(f"/api/v2/executions/{run.uid}/{route}").status_code == 404


# Links and other things that a script may have planted ---------------------------------------------------------------


def plant_file(run: Execution, secret: Path) -> None:
    place(run, "a.txt").symlink_to(secret)


def plant_folder(run: Execution, secret: Path) -> None:
    place(run, "a.txt").parent.rmdir()
    (folder(run) / "1").symlink_to(secret.parent)
    secret.rename(secret.parent / "a.txt")


def plant_pipe(run: Execution, secret: Path) -> None:
    os.mkfifo(place(run, "a.txt"))


def plant_directory(run: Execution, secret: Path) -> None:
    place(run, "a.txt/inner")


@pytest.mark.parametrize("plant", [plant_file, plant_folder, plant_pipe, plant_directory])
def test_nothing_is_read_through_a_link_nor_from_what_is_no_file(
    api: Api, vic: User, tmp_path: Path, plant: Any
) -> None:
    secret = tmp_path / "elsewhere" / "secret"
    secret.parent.mkdir()
    secret.write_text("canary-4711")
    run = finished()
    run.artifacts.create(name="a.txt", size=1, attempt=1)
    plant(run, secret)
    assert browser(vic).get(f"/executions/{run.uid}/artifacts/a.txt").status_code == 404
    assert api(vic).get(f"/api/v2/executions/{run.uid}/artifacts/a.txt").status_code == 404
    page = page_of(vic, run)
    assert "canary-4711" not in page
    assert "The file no longer exists" in page


def test_a_row_that_was_damaged_by_hand_leads_nowhere(vic: User, settings: Settings) -> None:
    run = finished()
    leave(run, "a.txt")
    Path(settings.ARTIFACTS_DIR, "secret").write_text("canary-4711")
    run.artifacts.update(name="../../secret")
    assert browser(vic).get(f"/executions/{run.uid}/artifacts/..%2f..%2fsecret").status_code == 404
    assert "canary-4711" not in page_of(vic, run)


# Shown ---------------------------------------------------------------------------------------------------------------


def test_the_page_lists_names_and_sizes_escaped(vic: User) -> None:
    run = finished()
    leave(run, "<img src=x onerror=alert(1)>", b"\0" * 2048)
    page = page_of(vic, run)
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img src=x" not in page
    assert "2.0\xa0KB" in page


def test_a_text_is_shown_escaped(vic: User) -> None:
    run = finished()
    leave(run, "notes.txt", b"price < 3 & <b>bold</b>")
    assert "price &lt; 3 &amp; &lt;b&gt;bold&lt;/b&gt;" in page_of(vic, run)


def test_of_a_long_text_the_beginning_is_shown(vic: User) -> None:
    run = finished()
    leave(run, "long.txt", "é".encode() * 100_000)
    page = page_of(vic, run)
    assert "the file has more" in page
    assert 1000 < page.count("é") < 100_000


def test_a_table_is_shown_as_one_up_to_fifty_rows(vic: User) -> None:
    run = finished()
    rows = "".join(f'{number},"<b>, {number}"\r\n' for number in range(80))
    leave(run, "data.csv", f"name,value\r\n{rows}".encode())
    page = page_of(vic, run)
    assert '<th scope="col">name</th>' in page
    assert "<td>&lt;b&gt;, 49</td>" in page
    assert "&lt;b&gt;, 50" not in page
    assert "the file has more" in page


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.tsv", b"x\ty\n1\t2\n"), ("a.csv", b"x;y\n1;2\n"), ("a.CSV", b"\xef\xbb\xbfx,y\n1,2")],
)
def test_tables_may_be_separated_as_is_usual(vic: User, name: str, content: bytes) -> None:
    run = finished()
    leave(run, name, content)
    page = page_of(vic, run)
    assert '<th scope="col">x</th><th scope="col">y</th>' in page
    assert "<td>1</td><td>2</td>" in page


IMAGES = [
    (PNG, "image/png"),
    (b"\xff\xd8\xff\xe0" + bytes(16), "image/jpeg"),
    (b"GIF89a" + bytes(16), "image/gif"),
    (b"RIFF\x10\0\0\0WEBPVP8 " + bytes(16), "image/webp"),
]


@pytest.mark.parametrize(("content", "media_type"), IMAGES)
def test_an_image_is_known_by_its_first_bytes_and_shown(vic: User, content: bytes, media_type: str) -> None:
    run = finished()
    leave(run, "plot.dat", content)
    address = f"/executions/{run.uid}/artifacts/plot.dat"
    assert f'<img src="{address}?attempt=1&amp;show=1" alt="plot.dat"' in page_of(vic, run)
    answer = browser(vic).get(f"{address}?show=1")
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert_inert(answer)


DOCUMENTS = [
    ("x.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="canary()"/>'),
    ("x.png", b'<svg xmlns="http://www.w3.org/2000/svg" onload="canary()"/>'),
    ("x.html", b"plain canary() without a tag"),
    ("x.txt", b"  \n<!DOCTYPE html><script>canary()</script>"),
    ("x.txt", b"<script>canary()</script>"),
    ("x.xml", b"<?xml version='1.0'?><a>canary()</a>"),
    ("x.csv", b"<html>,canary()\n"),
    ("x.png", b"\0\1\2canary()"),
]


@pytest.mark.parametrize(("name", "content"), DOCUMENTS)
def test_documents_and_what_is_not_known_are_for_saving_only(vic: User, name: str, content: bytes) -> None:
    run = finished()
    leave(run, name, content)
    assert "canary" not in page_of(vic, run)
    answer = browser(vic).get(f"/executions/{run.uid}/artifacts/{name}?show=1")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert_inert(answer)


def test_a_file_that_is_gone_is_said_to_be(vic: User) -> None:
    run = finished()
    run.artifacts.create(name="gone.txt", size=1, attempt=1)
    page = page_of(vic, run)
    assert "The file no longer exists" in page
    assert "Download gone.txt" not in page


def test_of_very_many_files_the_page_lists_the_first_and_says_how_many_more_there_are(vic: User) -> None:
    run = finished()
    rows = [Artifact(execution=run, attempt=1, name=f"{number:04}", size=1) for number in range(230)]
    Artifact.objects.bulk_create(rows)
    page = page_of(vic, run)
    assert "30 more files" in page
    assert "0199" in page
    assert "0200" not in page


def test_at_the_end_of_a_run_the_page_asks_for_its_files(vic: User) -> None:
    run = finished(state=State.RUNNING, started_at=moment("2026-03-01 10:00"))
    assert 'hx-trigger="run-ended from:body"' in page_of(vic, run)
    Execution.objects.update(state=State.SUCCESS)
    leave(run, "a.txt")
    part = {"HX-Request": "true", "HX-Target": "state"}
    answer = browser(vic).get(f"/executions/{run.uid}", headers=part)
    assert answer.headers["HX-Trigger"] == "run-ended"
    shown = (
        browser(vic).get(f"/executions/{run.uid}", headers=part | {"HX-Target": "evidence"}).content.decode()
    )
    assert "a.txt" in shown
    assert "<html" not in shown
    assert "run-ended" not in shown


# The API -------------------------------------------------------------------------------------------------------------


def test_the_api_lists_the_files_of_a_run(api: Api, vic: User) -> None:
    run = finished(attempt=2)
    leave(run, "a.txt", b"123", attempt=1)
    leave(run, "b.txt", b"1", attempt=2)
    answer = api(vic).get(f"/api/v2/executions/{run.uid}/artifacts")
    assert answer.json() == {
        "total": 2,
        "artifacts": [
            {"name": "b.txt", "size": 1, "attempt": 2},
            {"name": "a.txt", "size": 3, "attempt": 1},
        ],
    }


def test_the_api_tells_what_was_measured(api: Api, vic: User) -> None:
    run = finished(cpu_seconds=1.5)
    Measurement.objects.create(execution=run, attempt=1, points=[[0.0, 10, 0.0], [1.0, 20, 1.5]])
    assert api(vic).get(f"/api/v2/executions/{run.uid}").json()["execution"]["cpu_seconds"] == 1.5
    answer = api(vic).get(f"/api/v2/executions/{run.uid}/measurements")
    assert answer.json()["measurements"] == [
        {
            "attempt": 1,
            "points": [
                {"seconds": 0.0, "memory": 10, "cpu_seconds": 0.0},
                {"seconds": 1.0, "memory": 20, "cpu_seconds": 1.5},
            ],
        }
    ]


def test_a_call_has_no_files_and_was_not_measured(api: Api, vic: User) -> None:
    run = make_run(make_job(), state=State.SUCCESS)
    assert api(vic).get(f"/api/v2/executions/{run.uid}/artifacts").json() == {"total": 0, "artifacts": []}
    assert api(vic).get(f"/api/v2/executions/{run.uid}/measurements").json() == {"measurements": []}
