"""Whose crontab a line is of: the same line of two machines is two jobs, the same crontab twice changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid5

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.models import Category
from audit.record import Actor
from compat.importers.crontab import NAMESPACE, SHELL_JOB
from jobs import verbs
from jobs.models import Job
from jobs.models.stored_schedule import Timing

pytestmark = pytest.mark.django_db

LINE = "17 3 * * * /usr/bin/certbot renew -q"


def moved(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    call_command("import_crontab", str(path), *options)
    return capsys.readouterr().out


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def imported_before_sources() -> Job:
    values = {
        "uid": uuid5(NAMESPACE, f"1 {LINE}"),
        "name": "/usr/bin/certbot renew -q",
        "kind": Job.Kind.PYTHON_CLASS,
        "options": {"job_class": SHELL_JOB, "args": ["/bin/sh", "-c", "/usr/bin/certbot renew -q"]},
        "category": Category.general(),
    }
    changes = verbs.JobChanges(values, Timing("cron", "17 3 * * *", settings.SCHEDULER_TIMEZONE))
    return verbs.create(changes, by=Actor.command())


def test_the_same_line_of_a_second_machine_is_a_job_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = write(tmp_path / "web1", f"MAILTO=a@example.com\n{LINE}\n")
    second = write(tmp_path / "web2", f"MAILTO=b@example.com\nCRON_TZ=Asia/Tokyo\nPATH=/opt/bin\n{LINE}\n")
    moved(first, capsys, "--apply")
    moved(second, capsys, "--apply")
    jobs = {job.name: job for job in Job.objects.all()}
    assert set(jobs) == {"certbot renew -q", "certbot renew -q (web2)"}
    assert jobs["certbot renew -q (web2)"].notification_emails == ["b@example.com"]
    assert jobs["certbot renew -q (web2)"].timing.timezone == "Asia/Tokyo"
    for path in (first, second):
        assert "0 new, 1 here already" in moved(path, capsys, "--apply")
    assert Job.objects.count() == 2


def test_a_line_that_is_here_with_other_variables_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved(write(tmp_path / "crontab", LINE), capsys, "--apply")
    said = moved(write(tmp_path / "crontab", f"MAILTO=b@example.com\nPATH=/opt\n{LINE}"), capsys, "--apply")
    assert "1 here already" in said
    assert "differs from it in its command or variables, its addresses, and stays as it is" in said
    assert "--source" in said
    assert "1 new" in moved(tmp_path / "crontab", capsys, "--apply", "--source", "web2")


def test_what_was_imported_before_there_were_sources_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported_before_sources()
    path = write(tmp_path / "crontab", LINE)
    assert "0 new, 1 here already" in moved(path, capsys, "--apply")
    said = moved(path, capsys, "--source", "web2")
    assert "1 new" in said
    assert "imported before crontabs had sources, as “/usr/bin/certbot renew -q”" in said


def test_bytes_that_are_no_utf8_are_refused_in_words_or_read_as_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "crontab"
    path.write_bytes(b"# x\n0 3 * * * /bin/echo caf\xe9\n")
    with pytest.raises(CommandError, match=r"Line 2 is not in UTF-8 \(byte 0xE9\)"):
        call_command("import_crontab", str(path))
    with pytest.raises(CommandError, match="There is no encoding klingon"):
        call_command("import_crontab", str(path), "--encoding", "klingon")
    call_command("import_crontab", str(path), "--encoding", "latin-1", "--apply")
    assert Job.objects.get().options["args"][-1] == "/bin/echo café"


def test_the_language_of_the_shell_is_no_reason_for_a_traceback(tmp_path: Path) -> None:
    environment = os.environ | {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONIOENCODING": "ascii",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db'}",
    }
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]

    def run(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*manage, *arguments], input=data, env=environment, capture_output=True, check=False
        )

    assert run("migrate", "-v0").returncode == 0
    bad = run("import_crontab", "-", data=b"0 3 * * * /bin/echo caf\351\n")
    assert bad.returncode == 1
    assert b"Line 1 is not in UTF-8 (byte 0xE9)" in bad.stderr
    assert b"Traceback" not in bad.stderr
    good = run("import_crontab", "-", data="0 3 * * * echo 日本 \x1b[2J\n".encode())
    assert good.returncode == 0
    assert b"\\u65e5" in good.stdout
    assert b"\x1b" not in good.stdout
