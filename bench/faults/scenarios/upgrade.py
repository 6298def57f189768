"""The release before, and this one: its programs on the new tables, ours before and after their migrations."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path, PurePath

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from bench.faults.checker import Grid, Watched
from bench.faults.installation import ALL, eventually
from bench.faults.trial import Trial, Unavailable
from bench.servers.databases import MariaDB

# Run by the code of the release before: nobody else knows its tables.
MAKE_JOBS = """
import datetime as dt, json, math, time
from accounts.models import Category
try:
    from audit.record import Actor
except ImportError:
    from audit.record import By as Actor
from jobs import verbs
from jobs.models.stored_schedule import Timing
anchor = math.ceil(time.time()) + 12
made = []
for name, every, seconds, overlap in {jobs}:
    start = dt.datetime.fromtimestamp(anchor, dt.UTC)
    timing = Timing("interval", every=every, period="seconds", start=start)
    options = {{"job_class": "bench.faults.jobs.Mark", "args": [{traces!r}, seconds, "well"]}}
    values = {{"name": name, "kind": "python_class", "category": Category.general(), "options": options, "stop_grace": 1}}
    values |= {{"overlap": overlap, "start_deadline": 3600, "catch_up": "all"}}
    changes = getattr(verbs, "Draft", None) or verbs.JobChanges
    verbs.create(changes(values, timing), by=Actor.system())
print(json.dumps(anchor))
"""
JOBS = (("each second", 1, 0.0, "allow"), ("long", 3, 2.0, "allow"), ("one at a time", 4, 1.0, "queue"))
OURS = tuple(f"{name}-2" for name in ALL)


def upgrade(trial: Trial) -> None:
    """the release before at work; ours starts and waits, the migrations run, both work, the old one ends"""
    old = _release_before(trial.directory / "before")
    trial.after.callback(call_command, "migrate", verbosity=0, interactive=False)
    _forget_tables(trial)
    _manage(old, "migrate", "--no-input", "--verbosity", "0")
    made = _manage(old, "shell", "-c", MAKE_JOBS.format(jobs=JOBS, traces=str(trial.traces)))
    anchor = json.loads(made.splitlines()[-1])
    trial.watched += [
        Watched(name, (Grid(anchor, every),), repeats=False, alone=overlap != "allow")
        for name, every, _seconds, overlap in JOBS
    ]
    trial.system.code = old
    trial.system.start(*ALL)
    trial.warm()
    trial.system.code = None
    trial.system.start(*OURS)
    if not eventually(lambda: all(trial.system.said(name, "schema_waits") for name in OURS), 40):
        trial.wrong.append("a new program does not say that it waits for the migrations")
    time.sleep(3)
    trial.hurt_at = began = time.time()
    _manage(settings.BASE_DIR, "migrate", "--no-input", "--verbosity", "0")
    trial.notes.append(f"migrated in {time.time() - began:.1f} s")
    if not eventually(lambda: all(trial.system.said(name, "schema_ready") for name in OURS), 40):
        trial.wrong.append("a new program does not notice that the migrations were run")
    time.sleep(8)
    for name in ALL:
        trial.system[name].end(seconds=20)
    time.sleep(8)


def _release_before(directory: Path) -> Path:
    """Its code: of the newest tag, or of the commit before the newest migration. Raises Unavailable without a history."""
    revision = _git("describe", "--tags", "--abbrev=0", "--match", "v*") or _before_the_newest_migration()
    if not revision:
        raise Unavailable("there is no git history here, so no release before this one")
    directory.mkdir()
    archive = subprocess.run(
        ["git", "archive", revision], cwd=settings.BASE_DIR, check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x", "-C", directory], input=archive, check=True)
    return directory


def _before_the_newest_migration() -> str:
    commits = _git("log", "-30", "--diff-filter=A", "--format=%H", "--", "*/migrations/0*.py").split()
    parents = (_git("rev-parse", "--verify", "--quiet", f"{commit}^") for commit in commits)
    return next((parent for parent in parents if parent and _can_migrate(parent)), "")


def _can_migrate(revision: str) -> bool:
    """Whether no two of its migrations stand side by side, as they may between the commits of one change."""
    paths = map(PurePath, _git("ls-tree", "-r", "--name-only", revision).splitlines())
    numbers = [(path.parent, path.name[:4]) for path in paths if path.match("*/migrations/0*.py")]
    return len(numbers) == len(set(numbers))


def _git(*words: str) -> str:
    try:
        said = subprocess.run(["git", *words], cwd=settings.BASE_DIR, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""


def _manage(directory: Path, *words: str) -> str:
    argv = [sys.executable, "manage.py", *words]
    done = subprocess.run(argv, cwd=directory, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words[:1])}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _forget_tables(trial: Trial) -> None:
    """An empty database, as before the first migration of all."""
    name = str(connection.settings_dict["NAME"])
    if trial.stack.database is None:
        connection.close()
        for end in ("", "-wal", "-shm"):
            Path(name + end).unlink(missing_ok=True)
        return
    with connection.cursor() as cursor:
        if isinstance(trial.stack.database, MariaDB):
            cursor.execute(f"DROP DATABASE {name}")
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        else:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    connection.close()
