"""What the report says of lines that will not work as before; how their jobs are called and described."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from audit.record import Actor
from compat.importers.crontab import Choices, Import
from compat.importers.crontab_lines import Line, arguments, lines
from compat.importers.crontab_notes import name_of
from jobs.models import Job
from jobs.tests.running import run_class

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 10, 20, 12, tzinfo=dt.UTC)


def read(text: str, **choices: object) -> Import:
    return Import(text, NOW, Choices("here", "UTC", **choices))  # type: ignore[arg-type]


def said(text: str, **choices: object) -> str:
    found = read(text, **choices)
    return "\n".join([*found.remarks, *(line for row in found.rows for line in row.lines())])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("MAILTO=root, a@example.com\n0 0 * * * x", "Nothing is mailed to root: not an e-mail address."),
        ("0 0 * * * x", "Without MAILTO cron mailed the account of the crontab"),
        ("0~59 0 * * * x", "~ is cronie's random time"),
        ("-0 0 * * * x", "-: it kept cronie from logging"),
        ("@reboot x", "@reboot is not a time"),
        ("0 0 * * * cat%hello", "%: what follows it is what the command reads"),
        ("0 0 * * * a \\\n  --b", "cron joins no lines, the next one stands for itself"),
        (
            "0 0 * * * a \\\n  --b",
            "It has too few fields. The line before it ends in \\: cron joins no lines.",
        ),
        ("0 0 * * * root run-parts /etc", "The sixth field is taken for an account"),
        ("0 0 * * * root run-parts /etc", "It ran as root; here it runs as the account of the workers."),
        (
            "0 0 * * * root x\n0 0 * * * y z",
            "Its command begins with root: an account, in a column of users?",
        ),
        ("0 0 * * * ./backup.sh", "It seems to rely on the home directory of its account"),
        ("0 0 * * * cd && ls", "It seems to rely on the home directory of its account"),
        ("0 0 * * * ls > list.txt", "It seems to rely on the home directory of its account"),
        ("HOME=/no/such\n0 0 * * * ./x", "Its working directory, /no/such, does not exist on this machine"),
        ("HOME=x\n0 0 * * * ./x", "HOME=x is no absolute path"),
        ("*/15 * * * * www-data php /srv/cron.php", "The sixth field is taken for an account"),
        ("SHELL=/bin/no-such\n0 0 * * * x", "Its shell, /bin/no-such, does not exist on this machine"),
        ("RANDOM_DELAY=45\n0 0 * * * x", "RANDOM_DELAY is not followed"),
        ("PERSISTENT=true\n0 0 * * * x", "PERSISTENT is not followed"),
        ("MAILFROM=a@example.com\n0 0 * * * x", "MAILFROM is not followed"),
        ("TZ=Asia/Tokyo\n0 0 * * * x", "TZ is a variable of its command, as with Debian's cron"),
        ("@quarterly x", '"@quarterly" is not known; the shorthands are'),
        ("1 5 cron.daily nice run-parts /etc/cron.daily", "A line of anacron (/etc/anacrontab)"),
        ("@monthly 45 cron.monthly nice run-parts /etc/cron.monthly", "A line of anacron (/etc/anacrontab)"),
    ],
)
def test_what_will_not_work_as_before_is_named(text: str, told: str) -> None:
    assert told in said(text)


def test_a_column_of_users_that_is_not_there_is_told() -> None:
    assert "is no account: is there a column of users at all?" in said(
        "0 0 * * * /usr/bin/certbot renew", user_column=True
    )


@pytest.mark.parametrize(
    "command", ["cd /opt/app && ./bin/report > log.txt", "mail -s hello me", "/usr/bin/x -a"]
)
def test_lines_that_work_as_before_are_left_in_peace(command: str) -> None:
    (row,) = read(f"MAILTO=a@example.com\n0 0 * * * {command}").rows
    assert row.notes[1:] == ["Failures are mailed to a@example.com; cron mailed every output."]


def test_a_command_that_is_called_like_an_account_is_no_column() -> None:
    found = read("0 0 * * * mail -s hello me\n0 0 * * * backup --all")
    assert "account, as in /etc/crontab" not in " ".join(found.remarks)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/usr/bin/certbot renew -q", "certbot renew -q"),
        ("cd /opt/app && ./bin/report --all >> /var/log/report.log 2>&1", "report --all"),
        ("test -x /usr/sbin/anacron || ( cd / && run-parts /etc/cron.daily )", "run-parts /etc/cron.daily"),
        ("LANG=C nice -n 10 /usr/bin/updatedb", "updatedb"),
        ("flock -n /tmp/lock timeout 60 sync.sh a", "sync.sh a"),
        ("tar czf /b/$(date +\\%F).tgz 'my files' | mail ops", "tar czf /b/$(date +%F).tgz 'my files'"),
        ("/usr/bin/true   # why not", "true"),
        ("echo 'unbalanced", "echo 'unbalanced"),
        # Of Debian's packages.
        ("[ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi",
         "sessionclean"),
        ("if [ -x /a/checkarray ] && [ $(date +\\%d) -le 7 ]; then /a/checkarray --cron --all; fi", "checkarray --cron --all"),
        ("command -v debian-sa1 > /dev/null && debian-sa1 1 1", "debian-sa1 1 1"),
        ("test -x /usr/bin/certbot -a \\! -d /run && perl -e 'sleep int(rand(43200))' && certbot -q renew", "certbot -q renew"),
        ("command nice du -s /", "du -s /"),
        ("find /tmp -name x -exec rm {} +", "find /tmp -name x -exec rm {} +"),
        ("x " * 100, ("x " * 100)[:99] + "…"),
    ],
)  # fmt: skip
def test_a_job_is_called_by_its_program_and_its_arguments(command: str, name: str) -> None:
    assert name_of(Line(1, "", command=command.strip())) == name


def test_the_comment_above_a_line_describes_its_job() -> None:
    text = """\
# The crontab of web1

# m h dom mon dow command
0 1 * * * first
# Renews the certificates.
# Ask ops.
0 2 * * * second
# 0 3 * * * switched off
0 4 * * * third
0 5 * * * fourth
"""
    assert [line.comment for line in lines(text)] == ["", "Renews the certificates.\nAsk ops.", "", ""]
    read(text).apply(Actor.command())
    assert Job.objects.get(name="second").description == "Renews the certificates.\nAsk ops."


def test_a_line_runs_in_the_home_directory_that_is_set(tmp_path: Path) -> None:
    (tmp_path / "backup.sh").write_text("echo saved in $HOME; exit 3\n")
    for text, home in (
        (f"HOME={tmp_path}\n0 0 * * * . ./backup.sh", ""),
        ("1 0 * * * . ./backup.sh", str(tmp_path)),
    ):
        read(text, home=home).apply(Actor.command())
    for job in Job.objects.all():
        assert job.options["working_directory"] == str(tmp_path)
        options = {"working_directory": job.options["working_directory"]}
        outcome, log = run_class(job.options["job_class"], *job.options["args"], options=options)
        # A code other than 0 is a failure.
        assert (outcome.state, outcome.exit_code) == ("failed", 3)
        assert log.strip() == f"saved in {tmp_path}"
    assert Job.objects.count() == 2


def test_lines_may_end_as_on_windows() -> None:
    assert [arguments(line)[-1] for line in lines("0 0 * * * a\r\n0 0 * * * b\x0bc\r\n")] == ["a", "b\x0bc"]
