"""A database as ndscheduler leaves it behind: its tables, and jobs pickled by APScheduler itself."""

from __future__ import annotations

import datetime as dt
import pickle
import sqlite3
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]

AWESOME = "simple_scheduler.jobs.sample_job.AwesomeJob"
STORE = "ndscheduler.corescheduler.datastore.providers.sqlite.DatastoreSqlite"
SCHEMA = """
CREATE TABLE scheduler_jobs (id VARCHAR(191) PRIMARY KEY, next_run_time FLOAT, job_state BLOB NOT NULL);
CREATE TABLE scheduler_categories (id INTEGER PRIMARY KEY, name VARCHAR(50), description TEXT, created_at DATETIME);
CREATE TABLE scheduler_users (id INTEGER PRIMARY KEY, username VARCHAR(50), password VARCHAR(255), category_id INTEGER,
  is_admin BOOLEAN, is_permission BOOLEAN, created_at DATETIME);
CREATE TABLE scheduler_job_categories (job_id VARCHAR(191), category_id INTEGER);
CREATE TABLE scheduler_execution (eid VARCHAR(191) PRIMARY KEY, hostname TEXT, pid INTEGER, state INTEGER, category_id INTEGER,
  scheduled_time DATETIME, updated_time DATETIME, description TEXT, result TEXT, job_id TEXT, task_id TEXT);
CREATE TABLE scheduler_jobauditlog (job_id TEXT, job_name TEXT, event INTEGER, user TEXT, category_id INTEGER,
  created_time DATETIME, description TEXT);
INSERT INTO scheduler_categories VALUES (0, 'all', 'all description', '2023-01-01 00:00:00.000000');
INSERT INTO scheduler_categories VALUES (1, 'dev', 'dev description', '2023-01-01 00:00:00.000000');
INSERT INTO scheduler_categories VALUES (2, '系統管理', NULL, '2023-01-01 00:00:00.000000');
"""


class OldScheduler:
    """Fills such a database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = sqlite3.connect(path)
        self._database.executescript(SCHEMA)

    def job(self, number: int, *, paused: bool = False, category: int | None = None, **changes: Any) -> str:
        """The id of a job; `fields` are those of its trigger, the rest is its state."""
        job_id = f"{number:032x}"
        fields = changes.pop("fields", {"minute": "*/5"})
        zone = changes.pop("zone", ZoneInfo("Asia/Taipei"))
        state = {
            "version": 1,
            "id": job_id,
            "func": "ndscheduler.corescheduler.core.base:BaseScheduler.run_job",
            "trigger": CronTrigger(timezone=zone, **fields),
            "executor": "default",
            "args": [AWESOME, job_id, STORE, "a", {"b": 1}],
            "kwargs": {"db_config": {"file_path": "x"}, "user": "ada"},
            "name": f"job {number}",
            "misfire_grace_time": 3600,
            "coalesce": False,
            "max_instances": 9,
            "next_run_time": dt.datetime.now(ZoneInfo("Asia/Taipei")),
        } | changes
        self.raw_job(job_id, pickle.dumps(state, pickle.HIGHEST_PROTOCOL), paused=paused)
        if category is not None:
            self.insert("scheduler_job_categories", job_id, category)
        return job_id

    def raw_job(self, job_id: str, data: bytes, *, paused: bool = False) -> None:
        self.insert("scheduler_jobs", job_id, None if paused else 1.7e9, data)

    def user(
        self,
        name: str,
        *,
        category: int = 0,
        admin: bool = False,
        writer: bool = False,
        password: str = "$2b$12$" + "x" * 53,
    ) -> None:
        values = (None, name, password, category, admin, writer, "2023-01-01 00:00:00.000000")
        self.insert("scheduler_users", *values)

    def run(self, number: int, job_id: str, state: int, *, result: str | None = None) -> str:
        run_id = f"{number:032x}"
        times = ("2023-01-01 18:20:05.604708", "2023-01-01 18:20:07.000000")
        self.insert("scheduler_execution", run_id, "box", 7, state, 0, *times, "", result, job_id, "")
        return run_id

    def log(self, job_id: str, event: int, description: str = "") -> None:
        at = "2023-01-01 01:20:23.843895"
        self.insert("scheduler_jobauditlog", job_id, "job 1", event, "ada", 0, at, description)

    def insert(self, table: str, *values: Any) -> None:
        marks = ", ".join("?" * len(values))
        with self._database:
            self._database.execute(f"INSERT INTO {table} VALUES ({marks})", values)
