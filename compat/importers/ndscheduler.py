"""Jobs, accounts, categories and, when asked for, runs out of a database of ndscheduler.

Jobs and runs keep their ids, accounts and categories their names: by these a second import knows what is here already.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import categories_and_teams
from accounts import verbs as account_verbs
from accounts.models import Category, User
from audit.record import Actor
from compat.importers import apscheduler_pickles, ndscheduler_history
from compat.importers.apscheduler_times import OldCron
from compat.importers.old_database import OldDatabase
from compat.importers.report import TIMES, Row
from compat.ndscheduler import cron, payload
from compat.ndscheduler.identifiers import DEV, as_uuid, free_slug
from jobs import verbs
from jobs.models import DAY, Job
from jobs.models.stored_schedule import Timing
from jobs.runners.python_class import path_problem
from jobs.schedule import ScheduleError
from jobs.schedule_text import preview

BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}")
LONGEST_DEADLINE = 366 * DAY
PAUSED = "Paused when it was moved here."


class Import:
    """Reads everything first; `apply` then writes it. `rows` is the report."""

    def __init__(self, old: OldDatabase, now: dt.datetime, *, with_history: bool = False) -> None:
        self._old, self._now = old, now
        self.rows: list[Row] = []
        self._steps: list[Callable[[Actor], None]] = []
        self._categories: dict[int, str] = {}
        self._names: set[str] = set()
        self._read_categories()
        self._read_users()
        self._read_jobs()
        self._history = ndscheduler_history.History(old) if with_history else None
        if self._history:
            self.rows += self._history.rows()

    @transaction.atomic
    def apply(self, by: Actor) -> None:
        """All that is new, or nothing."""
        for step in self._steps:
            step(by)
        if self._history:
            self._history.apply(self._category)

    # Categories ----------------------------------------------------------------------------------------------------

    def _read_categories(self) -> None:
        # The names that are there; of two with one name the one that is in use.
        here = Category.objects.order_by("is_active").values_list("name", "slug")
        known = {name.casefold(): slug for name, slug in here}
        for old in self._old.rows("scheduler_categories"):
            name, key = str(old.get("name") or "").strip(), old.get("id")
            if not name or not isinstance(key, int):
                self.rows.append(Row("category", name or str(key), "error", ["It has no name or no number."]))
                continue
            if key == 0:
                continue  # "all", which is no category here
            slug = known.get(name.casefold()) or free_slug(name, known.values())
            self._categories[key] = slug
            row = Row("category", name, "here" if name.casefold() in known else "new")
            known[name.casefold()] = slug
            self.rows.append(row)
            if row.fate == "new":
                self._steps.append(self._category_step(name, slug, str(old.get("description") or "")))

    @staticmethod
    def _category_step(name: str, slug: str, description: str) -> Callable[[Actor], None]:
        def step(by: Actor) -> None:
            uid = {"uid": DEV} if slug == "dev" else {}
            categories_and_teams.add(Category, name, slug=slug, description=description, by=by, **uid)

        return step

    def _category(self, key: Any) -> Category | None:
        slug = self._categories.get(key) if isinstance(key, int) else None
        return Category.objects.filter(slug=slug).first() if slug else None

    # Accounts ------------------------------------------------------------------------------------------------------

    def _read_users(self) -> None:
        for old in self._old.rows("scheduler_users"):
            name = str(old.get("username") or "")
            row = Row("account", name, "here" if User.objects.filter(username=name).exists() else "new")
            self.rows.append(row)
            if row.fate == "new":
                self._read_user(old, name, row)

    def _read_user(self, old: dict[str, Any], name: str, row: Row) -> None:
        try:
            User(username=name).clean_fields(
                exclude=[f.name for f in User._meta.fields if f.name != "username"]
            )
        except ValidationError as error:
            row.fate, row.notes = "error", error.messages
            return
        kept = usable_hash(str(old.get("password") or ""))
        if not kept:
            row.notes.append("Its password cannot be verified here: it needs a new one.")
        admin, writer = bool(old.get("is_admin")), bool(old.get("is_permission"))
        role = User.Role.ADMIN if admin else User.Role.USER if writer else User.Role.VIEWER
        fields: dict[str, Any] = {
            "role": role,
            "edit_scope": User.EditScope.CATEGORY,
            "may_run_code": role == User.Role.USER,
        }
        key = old.get("category_id")

        def step(by: Actor) -> None:
            user = account_verbs.register(name, "", by=by, category=self._category(key), **fields)
            User.objects.filter(pk=user.pk).update(password=kept or make_password(None))

        self._steps.append(step)

    # Jobs ----------------------------------------------------------------------------------------------------------

    def _read_jobs(self) -> None:
        categories = {
            old.get("job_id"): old.get("category_id") for old in self._old.rows("scheduler_job_categories")
        }
        for old in self._old.rows("scheduler_jobs"):
            row = Row("job", str(old.get("id")))
            self.rows.append(row)
            try:
                self._read_job(old, categories.get(old.get("id")), row)
            except (apscheduler_pickles.Unreadable, cron.CronError, ScheduleError, payload.Invalid) as error:
                row.fate = "error"
                row.notes.append(f"It cannot be imported: {error}")
            except (LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
                row.fate = "error"
                row.notes.append(f"It is damaged ({type(error).__name__}).")

    def _read_job(self, old: dict[str, Any], category: Any, row: Row) -> None:
        uid = as_uuid(str(old["id"]))
        if uid is None:
            raise apscheduler_pickles.Unreadable("its id is none of 32 hexadecimal digits")
        state = apscheduler_pickles.read(bytes(old["job_state"]))
        row.name = f"{state.get('name')} ({old['id']})"
        fields, schedule = self._schedule(state)
        row.zone = schedule.timezone
        if Job.objects.filter(uid=uid).exists():
            row.fate = "here"
            return
        paused = old.get("next_run_time") is None
        row.after = [slot.at for slot in preview(schedule, self._now, TIMES)]
        row.before = OldCron(schedule).upcoming(self._now, TIMES)
        if paused:
            row.notes.append("It is paused.")
        changes = self._changes(state, fields, Timing("cron", schedule.expression, schedule.timezone, "both"))
        changes.values["uid"] = uid
        if problem := path_problem(changes.values["options"]["job_class"]):
            row.notes.append(f"It cannot run yet. {problem}")
        if changes.values["name"] != state["name"]:
            row.notes.append(f"Its name is taken: on the pages it will be {changes.values['name']}.")
        self._steps.append(self._job_step(changes, category, paused))

    def _job_step(self, changes: verbs.JobChanges, category: Any, paused: bool) -> Callable[[Actor], None]:
        def step(by: Actor) -> None:
            changes.values["category"] = self._category(category) or Category.general()
            job = verbs.create(changes, by=by, tell=False)
            if paused:
                verbs.pause(job, by=by, reason=PAUSED)

        return step

    def _schedule(self, state: dict[str, Any]) -> tuple[dict[str, str], Any]:
        trigger = state.get("trigger")
        texts = apscheduler_pickles.cron_fields(trigger)
        for name, usual in (("year", "*"), ("week", "*"), ("second", "0")):
            if texts.get(name, usual) != usual:
                raise apscheduler_pickles.Unreadable(
                    f"its {name} is {texts[name]}, which cannot be said here"
                )
        fields = {name: texts.get(name, "*") for name in cron.FIELDS}
        schedule = cron.schedule(fields, apscheduler_pickles.timezone(trigger))
        if schedule.next_after(self._now) is None:
            raise apscheduler_pickles.Unreadable("it never fires in the next five years")
        return fields, schedule

    def _changes(self, state: dict[str, Any], fields: dict[str, str], timing: Timing) -> verbs.JobChanges:
        class_name, _job_id, *args = state["args"]
        if args and isinstance(args[0], str) and "datastore" in args[0]:
            args = args[1:]  # the path of its own database's class
        body = {"name": state["name"], "job_class_string": class_name, "pub_args": _json(args), **fields}
        if isinstance(body["name"], str):
            body["name"] = body["name"][: payload.LONGEST_NAME]
        changes = payload.imported(body, timing, taken=self._names)
        self._names.add(changes.values["name"])
        changes.values |= _policies(state)
        return changes


def _policies(state: dict[str, Any]) -> dict[str, Any]:
    """The rules for missed and overlapping runs that the job was stored with."""
    grace, most = state.get("misfire_grace_time"), state.get("max_instances")
    deadline = LONGEST_DEADLINE if grace is None else min(max(int(grace), 1), LONGEST_DEADLINE)
    return {
        "overlap": Job.Overlap.SKIP if most == 1 else Job.Overlap.ALLOW,
        "catch_up": Job.CatchUp.LAST if state.get("coalesce") else Job.CatchUp.ALL,
        "start_deadline": deadline,
    }


def _json(args: list[Any]) -> list[Any]:
    """Arguments as JSON has them. Raises Unreadable."""
    for value in _values(args):
        if not isinstance(value, str | int | float | bool | None):
            raise apscheduler_pickles.Unreadable(
                f"one of its arguments is {type(value).__name__}, which is no JSON value"
            )
    return args


def _values(value: Any) -> Iterator[Any]:
    """All values in nested lists and objects."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _values(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _values([str(key), item])
    else:
        yield value


def usable_hash(text: str) -> str:
    """A bcrypt hash as Django stores it; nothing for any other text, or one so costly that a login would take minutes."""
    return f"bcrypt${text}" if BCRYPT.fullmatch(text) else ""
