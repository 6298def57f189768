"""Moving in from a crontab: its lines as jobs that call the shell."""

from __future__ import annotations

import datetime as dt
import io
import random
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from accounts.models import User
from compat.importers.crontab import Choices, Import
from compat.importers.crontab_lines import arguments, lines, split_input
from jobs.models import Job
from jobs.tests.running import run_class

pytestmark = pytest.mark.django_db

CRONTAB = """\
# m h dom mon dow command
SHELL=/bin/bash
PATH = "/usr/local/bin:/usr/bin"
MAILTO=ops@example.com, root

*/5 * * * *  /usr/bin/true   # not a comment of cron's
30 2 * * 1-5 backup --all
@daily cleanup
@reboot start-things
0 9 13 * 5 mail -s hello me%Dear me,%it is 100\\% Friday.
61 * * * * wrong
* * * *
"""


@pytest.fixture
def crontab(tmp_path: Path) -> Path:
    path = tmp_path / "crontab"
    path.write_text(CRONTAB)
    return path


def moved(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    call_command("import_crontab", str(path), *options)
    return capsys.readouterr().out


def test_without_apply_nothing_is_written(crontab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = moved(crontab, capsys)
    assert "4 new, 0 here already, 3 with errors; 0 with times that will differ." in said
    assert "@reboot is not a time" in said
    assert "Minute field: 61 is not between 0 and 59." in said
    assert "It has too few fields." in said
    assert "Failures are mailed to ops@example.com; cron mailed every output." in said
    assert "Nothing is mailed to root: not an e-mail address." in said
    assert Job.objects.count() == 0


def test_a_step_after_a_single_value_is_left_to_its_owner(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "crontab"
    path.write_text("5/15 * * * * ambiguous\n5-59/15 */2 * * mon-fri/2 plain\n")
    said = moved(path, capsys)
    assert "1 new, 0 here already, 1 with errors" in said
    assert "Crons differ on 5/15" in said


def test_with_errors_nothing_is_imported_unless_they_are_to_be_left_out(
    crontab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="Nothing was imported"):
        moved(crontab, capsys, "--apply")
    assert Job.objects.count() == 0
    moved(crontab, capsys, "--apply", "--skip-errors")
    assert Job.objects.count() == 4


def test_a_line_becomes_a_job_that_calls_the_shell(
    crontab: Path, capsys: pytest.CaptureFixture[str], ada: User, settings: Settings
) -> None:
    settings.SCHEDULER_TIMEZONE = "Europe/Berlin"
    moved(crontab, capsys, "--apply", "--skip-errors", "--owner", "ada")
    job = Job.objects.get(name="backup --all")
    assert job.options == {
        "job_class": "jobs.classes.shell.ShellJob",
        "args": ["env", "PATH=/usr/local/bin:/usr/bin", "/bin/bash", "-c", "backup --all"],
    }
    assert (job.timing.expression, job.timing.timezone, job.timing.day_rule) == (
        "30 2 * * 1-5",
        "Europe/Berlin",
        "either",
    )
    assert (job.owner, job.overlap, job.catch_up, job.end_date) == (ada, "allow", "last", None)
    assert (job.enable_email_notifications, job.notification_emails) == (True, ["ops@example.com"])
    assert job.next_run_at


def test_a_second_import_changes_nothing(crontab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moved(crontab, capsys, "--apply", "--skip-errors")
    before: list[Any] = list(Job.objects.order_by("pk").values())
    assert "0 new, 4 here already" in moved(crontab, capsys, "--apply", "--skip-errors")
    assert list(Job.objects.order_by("pk").values()) == before
    crontab.write_text("# moved down\n" + CRONTAB + "0 0 * * * one more\n")
    assert "1 new, 4 here already" in moved(crontab, capsys, "--apply", "--skip-errors")


def test_the_same_line_twice_is_two_jobs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "twice"
    path.write_text("0 0 * * * x\n0 0 * * * x\n")
    moved(path, capsys, "--apply")
    assert {job.name for job in Job.objects.all()} == {"x", "x (2)"}
    assert "0 new, 2 here already" in moved(path, capsys, "--apply")


def test_jobs_may_be_made_switched_off(crontab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moved(crontab, capsys, "--apply", "--skip-errors", "--disabled")
    assert {job.timing.enabled for job in Job.objects.all()} == {False}
    assert all(job.next_run_at is None and job.current_pause for job in Job.objects.all())


def test_a_column_with_the_account_is_left_out_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "system"
    path.write_text("17 * * * *\troot\tcd / && run-parts /etc/cron.hourly\n@weekly www sync\n")
    said = moved(path, capsys, "--apply", "--user-column")
    assert "It ran as root; here it runs as the account of the workers." in said
    found = {tuple(job.options["args"]) for job in Job.objects.all()}
    assert found == {("/bin/sh", "-c", "cd / && run-parts /etc/cron.hourly"), ("/bin/sh", "-c", "sync")}


def test_another_zone_in_the_crontab_is_followed_and_shown_as_a_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "zones"
    path.write_text("0 9 * * * a\nCRON_TZ=America/New_York\n0 9 * * * b\n")
    said = moved(path, capsys, "--apply", "--timezone", "Europe/Berlin")
    assert "1 with times that will differ." in said
    assert "Debian's cron pays no heed to it" in said
    assert {job.name: job.timing.timezone for job in Job.objects.all()} == {
        "a": "Europe/Berlin",
        "b": "America/New_York",
    }


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("a b", ("a b", None)),
        ("a%b", ("a", "b")),
        ("a%b%c", ("a", "b\nc")),
        (r"date +\%F", ("date +%F", None)),
        (r"date +\%F%x\%y", ("date +%F", "x%y")),
        ("cat%", ("cat", "")),
    ],
)
def test_percent_signs_end_the_command_and_the_lines_it_reads(
    command: str, parts: tuple[str, str | None]
) -> None:
    assert split_input(command) == parts


def ran(text: str) -> str:
    """What a job of this line writes."""
    outcome, log = run_class("jobs.classes.shell.ShellJob", *arguments(next(lines(text))))
    assert outcome.state == "success"
    return log


def test_the_job_does_what_the_line_did() -> None:
    assert ran('* * * * * echo "it\'s $((1+1))" | tr 2 3; echo done').split("\n")[:2] == ["it's 3", "done"]
    assert ran("* * * * * cat -n%one%tw'o").split() == ["1", "one", "2", "tw'o"]
    assert ran("GREETING='hello there'\n* * * * * echo $GREETING").strip() == "hello there"
    assert ran("SHELL=/bin/bash\n* * * * * [[ a == a ]] && echo bash").strip() == "bash"


def test_the_report_shows_the_times_of_cron(capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random("crontab")
    zone, now = ZoneInfo("Europe/Berlin"), dt.datetime(2026, 10, 20, 12, tzinfo=dt.UTC)
    for _ in range(40):
        fields = [
            str(rng.randint(0, 59)),
            rng.choice(("*", "2", "*/3", "1-3")),
            rng.choice(("*", "1-15", "13")),
        ]
        expression = " ".join([*fields, "*", rng.choice(("*", "1-5", "fri"))])
        (row,) = Import(f"{expression} x", now, Choices("here", "Europe/Berlin")).rows
        debian = [time.astimezone(dt.UTC) for time in islice(CronSim(expression, now.astimezone(zone)), 10)]
        assert row.before == row.after == debian, expression


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_crontab", str(tmp_path / "none"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_crontab", str(tmp_path / "binary"))
    (tmp_path / "empty").touch()
    with pytest.raises(CommandError, match="time zone is not known"):
        call_command("import_crontab", str(tmp_path / "empty"), "--timezone", "Nowhere")


def test_it_reads_the_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"0 0 * * * x\n")))
    assert "1 new" in moved(Path("-"), capsys)
