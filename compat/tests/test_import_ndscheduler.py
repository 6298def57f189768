"""Moving in from a database of ndscheduler: first a report, then all or nothing, and never twice."""

from __future__ import annotations

import datetime as dt
import os
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import bcrypt
import pytest
import time_machine
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Category, User
from audit.models import Entry
from compat.importers import apscheduler_pickles
from compat.ndscheduler import wire
from executions.models import Execution, State
from jobs.models import Job

from .old_scheduler import AWESOME, OldScheduler

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(tmp_path: Path) -> OldScheduler:
    return OldScheduler(tmp_path / "datastore.db")


def moved(old: OldScheduler, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What the command says."""
    call_command("import_ndscheduler", str(old.path), *options)
    return capsys.readouterr().out


def told(old: OldScheduler, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What the command says before it gives up."""
    with pytest.raises(CommandError) as refusal:
        call_command("import_ndscheduler", str(old.path), *options)
    return f"{capsys.readouterr().out}\n{refusal.value}"


def test_without_apply_nothing_is_written(old: OldScheduler, capsys: pytest.CaptureFixture[str]) -> None:
    old.job(1)
    old.user("bob")
    categories, before = Category.objects.count(), old.path.read_bytes()
    said = moved(old, capsys)
    assert "job job 1 (00000000000000000000000000000001): new" in said
    assert "Nothing was written" in said
    assert (Job.objects.count(), User.objects.count(), Category.objects.count()) == (0, 0, categories)
    assert old.path.read_bytes() == before
    assert [path.name for path in old.path.parent.iterdir()] == ["datastore.db"]


def test_a_job_keeps_its_id_its_name_and_its_schedule(
    old: OldScheduler, capsys: pytest.CaptureFixture[str], ada: User
) -> None:
    job_id = old.job(1, fields={"day": "1st mon,last", "day_of_week": "mon-fri", "hour": "9"}, category=2)
    assert "Imported." in moved(old, capsys, "--apply", "--owner", "ada")
    job = Job.objects.get(uid=job_id)
    shown = wire.definition_json(job)
    assert shown == {
        "job_id": job_id,
        "name": "job 1",
        "job_class_string": AWESOME,
        "pub_args": ["a", {"b": 1}],
        "month": "*",
        "day": "1st mon,last",
        "week": "*",
        "day_of_week": "mon-fri",
        "hour": "9",
        "minute": "0",
    }
    assert (job.owner, job.category.name, job.timing.timezone) == (ada, "系統管理", "Asia/Taipei")
    assert (job.overlap, job.catch_up, job.start_deadline) == ("allow", "all", 3600)
    assert job.timing.enabled
    assert job.next_run_at
    assert Entry.objects.get(object_type="job").surface == "command"


def test_categories_that_differ_in_signs_only_are_different_ones(
    old: OldScheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    for key, name in ((3, "C"), (4, "C++"), (5, "general")):
        old.insert("scheduler_categories", key, name, None, "2023-01-01 00:00:00.000000")
    jobs = {name: old.job(key, category=key) for key, name in ((3, "C"), (4, "C++"), (5, "General"))}
    moved(old, capsys, "--apply")
    assert {name: Job.objects.get(uid=job).category.name for name, job in jobs.items()} == {
        name: name for name in jobs
    }
    assert "Imported." in moved(old, capsys, "--apply")
    assert Category.objects.filter(name__startswith="C", slug__startswith="c").count() == 2


def test_rules_of_the_old_job_are_kept(old: OldScheduler, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = old.job(1, coalesce=True, max_instances=1, misfire_grace_time=60)
    moved(old, capsys, "--apply")
    job = Job.objects.get(uid=job_id)
    assert (job.overlap, job.catch_up, job.start_deadline) == ("skip", "last", 60)


def test_a_paused_job_stays_paused(old: OldScheduler, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = old.job(1, paused=True)
    assert "It is paused." in moved(old, capsys, "--apply")
    job = Job.objects.get(uid=job_id)
    assert (job.timing.enabled, job.next_run_at) == (False, None)
    assert job.current_pause


def test_jobs_of_one_name_are_told_apart_on_the_pages(
    old: OldScheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 2):
        old.job(number, name="twin")
    assert "on the pages it will be twin (2)" in moved(old, capsys, "--apply")
    assert {wire.shown_name(job) for job in Job.objects.all()} == {"twin"}


def test_a_class_that_cannot_run_here_is_named(old: OldScheduler, capsys: pytest.CaptureFixture[str]) -> None:
    old.job(1, args=["my.jobs.Clean", "x"])
    assert "It cannot run yet. Classes must be in one of the allowed packages" in moved(
        old, capsys, "--apply"
    )
    assert Job.objects.get().options["job_class"] == "my.jobs.Clean"


@time_machine.travel("2026-10-20T12:00:00Z")
def test_times_that_will_differ_are_shown(old: OldScheduler, capsys: pytest.CaptureFixture[str]) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    old.job(1, fields={"hour": "2", "minute": "30"}, zone=berlin)
    old.job(2, fields={"hour": "5", "minute": "30"}, zone=berlin)
    said = moved(old, capsys)
    assert said.count("DIFFERENT") == 1
    # The hour from 2 to 3 comes twice on the 25th, and the old engine ran in both.
    assert "2026-10-25 02:30+02:00, 2026-10-25 02:30+01:00" in said
    assert "1 with times that will differ" in said


def test_a_second_import_changes_nothing(old: OldScheduler, capsys: pytest.CaptureFixture[str]) -> None:
    job_id = old.job(1, category=1)
    old.user("bob")
    old.run(9, job_id, 5)
    old.log(job_id, 0)
    moved(old, capsys, "--apply", "--history")

    def everything() -> list[Any]:
        models = (Job, User, Category, Execution, Entry)
        return [list(model._default_manager.order_by("pk").values()) for model in models]

    before = everything()
    said = moved(old, capsys, "--apply", "--history")
    assert "0 new, 6 here already" in said
    assert everything() == before
    old.job(2)
    moved(old, capsys, "--apply")
    assert Job.objects.count() == 2


# Accounts --------------------------------------------------------------------------------------------------------------


def test_accounts_keep_name_rights_and_category(
    old: OldScheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    old.user("root", admin=True)
    old.user("wendy", category=2, writer=True)
    old.user("vera", category=1)
    said = moved(old, capsys, "--apply")
    found = {user.username: (user.role, user.category and user.category.name) for user in User.objects.all()}
    assert found == {"root": ("admin", None), "wendy": ("user", "系統管理"), "vera": ("viewer", "dev")}
    assert User.objects.get(username="wendy").may_run_code
    assert "it needs a new one" not in said


def test_an_account_that_is_here_stays_as_it_is(
    old: OldScheduler, capsys: pytest.CaptureFixture[str], vic: User
) -> None:
    old.user("vic", admin=True)
    assert "account vic: is here already" in moved(old, capsys, "--apply")
    assert User.objects.get(username="vic").role == "viewer"


@pytest.mark.parametrize("password", ["old-horse-9", "日本語のパスワード", "x" * 100])
def test_an_account_logs_in_with_the_password_it_had(
    old: OldScheduler,
    capsys: pytest.CaptureFixture[str],
    client: Client,
    settings: Settings,
    password: str,
) -> None:
    settings.PASSWORD_HASHERS = [*settings.PASSWORD_HASHERS, "accounts.signin.hashers.InheritedBCrypt"]
    hashed = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    old.user("wendy", writer=True, password=hashed)
    assert "needs a new one" not in moved(old, capsys, "--apply")
    assert client.post("/login", {"username": "wendy", "password": "wrong"}).status_code == 200
    assert client.post("/login", {"username": "wendy", "password": password}).status_code == 302
    assert User.objects.get(username="wendy").password.startswith("md5$")  # hashed anew at the login


@pytest.mark.parametrize(
    "text",
    ["plain", "", "$2b$12$short", "$2b$31$" + "x" * 53, "$2b$12$" + "x" * 52 + "\n", "$1$12$" + "x" * 53],
)
def test_what_is_no_hash_of_bcrypt_is_no_password(
    old: OldScheduler, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    old.user("wendy", writer=True, password=text)
    assert "needs a new one" in moved(old, capsys, "--apply")
    assert not User.objects.get(username="wendy").has_usable_password()


# History ---------------------------------------------------------------------------------------------------------------


def test_runs_and_the_audit_log_come_along_when_asked_for(
    old: OldScheduler, capsys: pytest.CaptureFixture[str], ada: User, client: Client
) -> None:
    job_id = old.job(1)
    states = {5: State.SUCCESS, 4: State.FAILED, 7: State.ERROR, 1: State.LOST, 0: State.LOST}
    ids = {old.run(100 + state, job_id, state, result='["a"]'): ours for state, ours in states.items()}
    gone = old.run(200, f"{99:032x}", 5)
    old.log(job_id, 5, next(iter(ids)))
    moved(old, capsys, "--apply")
    assert Execution.objects.count() == 0
    moved(old, capsys, "--apply", "--history")
    assert {run.uid.hex: run.state for run in Execution.objects.exclude(uid=gone)} == ids
    first = Execution.objects.get(uid=next(iter(ids)))
    assert (first.trigger, first.result, first.worker) == ("manual", '["a"]', "box:7")
    assert first.due_at == dt.datetime(2023, 1, 1, 18, 20, 5, 604708, tzinfo=dt.UTC)
    assert Execution.objects.get(uid=gone).job is None
    client.force_login(ada)
    for run_id in (*ids, gone):
        assert client.get(f"/executions/{UUID(run_id)}").status_code == 200
    assert client.get("/executions").status_code == 200
    entry = Entry.objects.get(surface="import")
    assert (entry.event, entry.actor_name, entry.description) == ("custom_run", "ada", first.uid.hex)


# What is wrong ---------------------------------------------------------------------------------------------------------


class Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, ("/tmp/belfry-was-here",)


def crafted(*opcodes: bytes) -> bytes:
    return b"".join(opcodes)


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Evil()),
        pickle.dumps({"trigger": Evil()}),
        crafted(b"cos\nsystem\n(S'touch /tmp/belfry-was-here'\ntR."),
        crafted(b"(S'touch /tmp/belfry-was-here'\nios\nsystem\n."),
        crafted(b"cbuiltins\ngetattr\n(cos\nS'system'\ntR."),
        crafted(b"cdatetime\ndatetime.__class__\n."),
        crafted(b"capscheduler.triggers.cron\nget_localzone\n."),
        crafted(b"P1\n."),
        crafted(b"\x80\x02]r\xff\xff\xff\x7f."),  # a place for a note as far away as there can be
        crafted(b"\x82\x01."),
        b"",
        b"\x80\x05",
        b"garbage",
        pickle.dumps([1]),
        pickle.dumps({}),
        pickle.dumps({"trigger": 5, "name": "n", "args": []}),
        b"\x00" * (1024 * 1024 + 1),
    ],
)
def test_a_pickle_is_never_run_and_a_bad_one_is_an_error_of_its_row(
    old: OldScheduler, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    old.raw_job(f"{7:032x}", data)
    good = old.job(1)
    said = told(old, capsys, "--apply")
    assert f"job {7:032x}: ERROR" in said or "ERROR" in said
    assert "Nothing was imported: there are errors" in said
    assert Job.objects.count() == 0
    assert "Imported." in moved(old, capsys, "--apply", "--skip-errors")
    assert [job.uid.hex for job in Job.objects.all()] == [good]
    assert not Path("/tmp/belfry-was-here").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fields": {"second": "5"}}, "its second is 5"),
        ({"fields": {"week": "3", "second": "0"}}, "its week is 3"),
        ({"fields": {"year": "2030", "second": "0"}}, "its year is 2030"),
        ({"fields": {"month": "2", "day": "30"}}, "it never fires"),
        ({"args": [AWESOME, "x", dt.timedelta(1)]}, "no JSON value"),
        ({"args": []}, "It is damaged"),
        ({"name": None}, "It cannot be imported"),
        ({"trigger": dt.timedelta(1)}, "its trigger is no CronTrigger"),
    ],
    ids=str,
)
def test_what_cannot_be_said_here_is_an_error_of_its_row(
    old: OldScheduler, capsys: pytest.CaptureFixture[str], changes: dict[str, Any], reason: str
) -> None:
    old.job(1, **changes)
    assert reason in told(old, capsys, "--apply")
    assert Job.objects.count() == 0


def test_a_row_that_fails_late_undoes_the_whole_import(
    old: OldScheduler, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old.user("bob")
    old.job(1)
    monkeypatch.setattr("compat.importers.ndscheduler.verbs.create", lambda *_a, **_k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        moved(old, capsys, "--apply")
    assert not User.objects.filter(username="bob").exists()


def test_zones_of_pytz_are_read_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ModuleType("pytz")

    class Zone:
        def __reduce__(self) -> Any:
            return vars(library)["_p"], ("Asia/Taipei", 28800, 0, "CST")

    def _p(*_args: Any) -> Zone:
        return Zone()

    _p.__module__, _p.__qualname__ = "pytz", "_p"
    vars(library)["_p"] = _p
    monkeypatch.setitem(sys.modules, "pytz", library)
    state = apscheduler_pickles.read(pickle.dumps({"timezone": Zone()}))
    trigger = apscheduler_pickles.Record()
    trigger.state = state
    assert apscheduler_pickles.timezone(trigger) == "Asia/Taipei"


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_every_protocol_are_read(old: OldScheduler, protocol: int) -> None:
    trigger = CronTrigger(
        day="last,1st mon,5-9/2", day_of_week="mon-wed,sun", month="jan-mar", timezone=dt.UTC
    )
    read = apscheduler_pickles.read(pickle.dumps({"trigger": trigger}, protocol))["trigger"]
    assert apscheduler_pickles.cron_fields(read) == {field.name: str(field) for field in trigger.fields}
    assert apscheduler_pickles.timezone(read) == "UTC"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("/nowhere/x.db", "There is no file"),
        ("oracle://x", "oracle is unknown"),
        ("postgres://nobody@127.0.0.1:1/x", "cannot be read"),
    ],
)
def test_a_database_that_cannot_be_read_is_told(address: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        call_command("import_ndscheduler", address)


def test_a_database_without_these_tables_has_nothing_to_import(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.db").touch()
    call_command("import_ndscheduler", f"sqlite:///{tmp_path}/empty.db")
    assert "0 new, 0 here already" in capsys.readouterr().out


def test_an_unknown_owner_is_told(old: OldScheduler) -> None:
    with pytest.raises(CommandError, match="There is no account nobody"):
        call_command("import_ndscheduler", str(old.path), "--owner", "nobody")
