"""For the role matrix: accounts of every kind, something of everything, and requests that would succeed."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone

from accounts.models import Category, Login, Team, User
from accounts.signin import api_tokens, json_web_tokens
from audit.record import Actor
from compat.conda_tasks import sessions
from compat.conda_tasks.tests import matrix as conda_matrix
from compat.ndscheduler import tokens as v1_tokens
from compat.ndscheduler.identifiers import Numbers
from conftest import PASSWORD
from environments import verbs as environment_verbs
from environments.models import Environment
from executions.bulk import preview as bulk
from executions.bulk.commands import BulkCommand
from executions.ledger.launch import row
from executions.ledger.limits import holds
from executions.models import Drain, State, Trigger
from incidents import lifecycle, rule_verbs
from incidents.lifecycle import Problem
from incidents.models import Incident
from jobs.changes.incidents import concerned
from jobs.models import Job
from jobs.tests.factories import make_job
from jobs.tests.pages import edits, entries
from notifications.models import Alert, Destination, Notification, SlackSettings

# Below these, accounts are known by tokens, everywhere else by the session of a browser.
REGISTRY = ("/themes", "/sub_themes", "/school-year", "/course") if settings.THEMES_ENABLED else ()
MACHINES = ("/api", "/metrics", "/token/", *REGISTRY, *conda_matrix.PATHS)
V1 = "/api/v1/"
WRITE = re.compile(r'(?:INSERT (?:OR )?(?:IGNORE )?INTO|UPDATE|DELETE FROM) ["`]?(\w+)')
HOOK = "https://1.1.1.1/hook"
CSV = f"name,cron,url\nnew,0 2 * * *,{HOOK}\n"
SOON = (timezone.now() + dt.timedelta(days=1)).isoformat()
NEW_PASSWORD = "a-longer-horse-10"
LOGIN = {"username": "owner", "password": PASSWORD}
NEW_ACCOUNT = {"username": "new", "email": "new@example.com", "password": PASSWORD}
V1_JOB = {"name": "new", "job_class_string": "simple_scheduler.jobs.sample_job.AwesomeJob", "minute": "5"}
PASSWORDS = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}

# What is sent, so that whoever is let through succeeds. Pages get it as a form, machines as JSON.
BODIES: dict[str, dict[str, Any]] = conda_matrix.BODIES | {
    "POST /login": LOGIN,
    "POST /login/": LOGIN,
    "POST /tokens": {"name": "new"},
    "POST /password": PASSWORDS,
    "POST /language": {"language": "en"},
    "POST /settings/slack": {"channel": "#new"},
    "POST /settings/destinations/new/<str:channel>": {"name": "New", "settings_webhook_url": HOOK},
    "POST /settings/destinations/<uuid:uid>": {"name": "New", "settings_webhook_url": HOOK},
    "POST /environments/new": {"name": "new"},
    "POST /environments/discovered": {"name": "new", "directory": "/opt/conda/envs/new"},
    "POST /environments/<uuid:uid>/packages": {"verb": "update-all"},
    "POST /environments/<uuid:uid>/rename": {"name": "new"},
    "POST /jobs/<uuid:uid>/run": {"metadata": "{}"},
    "POST /incidents/<uuid:uid>/assign": {"assignee": "owner"},
    "POST /incidents/<uuid:uid>/comment": {"text": "new"},
    "POST /incidents/<uuid:uid>/snooze": {"hours": "1"},
    "POST /settings/incidents": dict.fromkeys(Alert.Channel.values, "60"),
    "POST /settings/incidents/steps": {"after": "5", "channel": "email"},
    "POST /api/v2/incidents/<str:incident_id>/assign": {"assignee": "owner"},
    "POST /api/v2/incidents/<str:incident_id>/comment": {"text": "new"},
    "POST /api/v2/incidents/<str:incident_id>/snooze": {"until": SOON},
    "PUT /api/v2/settings/incidents": {"reminders": {"email": 60}},
    "POST /api/v2/settings/incidents/steps": {"after": 5, "channel": "email"},
    "POST /jobs/bulk": {"verb": "pause", "all": "1"},
    "POST /people/users/new": {"username": "new", "role": "user", "edit_scope": "own"},
    "POST /people/users/<uuid:uid>/edit": {"username": "new", "role": "user", "edit_scope": "own"},
    "POST /people/users/<uuid:uid>/deactivate": {"keep": "1"},
    "POST /people/users/<uuid:uid>/delete": {"keep": "1"},
    "POST /people/teams/new": {"name": "New", "is_active": "on"},
    "POST /people/teams/<uuid:uid>/edit": {"name": "New", "is_active": "on"},
    "POST /people/categories/new": {"name": "New", "is_active": "on"},
    "POST /people/categories/<uuid:uid>/edit": {"name": "New", "is_active": "on"},
    "POST /system/hold": {"reason": "new"},
    "POST /system/holds/<uuid:uid>/change": {"until": "2099-01-01T00:00"},
    "POST /system/limits": {"key": "new", "most": "2"},
    "POST /system/drain/cancel": {"worker": "w"},
    "POST /jobs/import-crontab": {"text": "0 3 * * * /bin/true", "source": "new"},
    "POST /api/v1/auth/login": LOGIN,
    "POST /api/v1/jobs": V1_JOB,
    "PUT /api/v1/jobs/<str:job_id>": V1_JOB,
    "POST /api/v1/categories": {"name": "New"},
    "PUT /api/v1/categories/<str:category_id>": {"name": "New"},
    "POST /api/v1/users": {"username": "new", "password": PASSWORD, "category_id": 0},
    "PUT /api/v1/users/<str:user_id>": {"is_permission": True},
    "POST /api/v2/auth/login": LOGIN,
    "POST /api/v2/auth/register": NEW_ACCOUNT,
    "POST /api/v2/auth/tokens": {"name": "new"},
    "PUT /api/v2/auth/users/<str:user_id>": {"email": "new@example.com"},
    "PUT /api/v2/auth/users/<str:user_id>/preferences": {"daily_digest": True},
    "PUT /api/v2/auth/users/<str:user_id>/ui-preferences": {"jobs_table_columns": {}},
    "POST /api/v2/job-categories": {"name": "New"},
    "PUT /api/v2/job-categories/<str:row_id>": {"name": "New"},
    "POST /api/v2/pic-teams": {"name": "New", "slack_handle": "@new"},
    "PUT /api/v2/pic-teams/<str:row_id>": {"name": "New"},
    "PUT /api/v2/settings/slack": {"channel": "#new"},
    "POST /api/v2/settings/destinations": {
        "name": "New",
        "channel": "discord",
        "settings": {"webhook_url": HOOK},
    },
    "PUT /api/v2/settings/destinations/<str:destination_id>": {"name": "New"},
    "POST /api/v2/jobs": {"name": "new", "cron_expression": "0 * * * *", "target_url": HOOK},
    "PUT /api/v2/jobs/<str:job_id>": {"name": "new"},
    "POST /api/v2/jobs/bulk": {"verb": "pause", "q": "", "rest": True},
    "POST /api/v2/jobs/validate-cron": {"expression": "0 * * * *"},
    "POST /api/v2/jobs/cron-preview": {"expression": "0 * * * *"},
    # An address that is not allowed: the answer is 200, and nobody is called.
    "POST /api/v2/jobs/test-run": {"target_url": "http://127.0.0.1:9/"},
    "POST /api/v2/jobs/<str:job_id>/execute": {"wait": 0},
    "POST /api/v2/scheduler/holds": {"reason": "new"},
    "PUT /api/v2/scheduler/holds/<str:hold_id>": {"reason": "new"},
    "PUT /api/v2/scheduler/limits": {"key": "new", "most": 2},
    "POST /api/v2/scheduler/drains": {"all": True},
    "POST /api/v2/environments": {"name": "new"},
    "PUT /api/v2/environments/<str:environment_id>": {"name": "new"},
    "POST /api/v2/environments/<str:environment_id>/packages": {"packages": ["six"]},
}
if settings.THEMES_ENABLED:
    from themes.tests import matrix as themes_matrix

    BODIES |= themes_matrix.BODIES
FILES = ("POST /jobs/upload", "POST /api/v2/jobs/bulk-upload")


@dataclass
class World:
    """The accounts by role, what the owner has (`ids`, by the part of a path that comes before them), and what was written."""

    users: dict[str, User]
    job: Job
    ids: dict[str, str]
    conda: dict[str, str]
    written: set[str] = field(default_factory=set)
    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def client(self, role: str) -> Client:
        """A browser and a machine in one: with the session of an account, and with its tokens."""
        client = Client()
        if user := self.users.get(role):
            self.tokens[role] = json_web_tokens.issue(user)
            self.cookies[role] = f"session={sessions.open_session(user)}"
            client.force_login(user)
            session = client.session
            session["_seen"] = int(time.time())
            session.save()
        return client

    def deactivate(self, role: str) -> None:
        User.objects.filter(pk=self.users[role].pk).update(is_active=False)

    def ask(self, client: Client, verb: str, route: str, role: str) -> HttpResponse:
        """The answer to one request; what it changed is undone, and `written` names the tables."""
        machine = route.startswith(MACHINES)
        asking = Client() if machine else client
        session = client.cookies.get(settings.SESSION_COOKIE_NAME)
        cache.clear()
        self.written.clear()
        with undone(), connection.execute_wrapper(self._note):
            body, kind = self._body(verb, route, role)
            headers = self._credentials(route, role) if machine else {}
            answer = asking.generic(verb, self.path(route, verb), body, kind, headers=headers)
        if session is not None:  # a browser that logged out meanwhile has lost it
            client.cookies[settings.SESSION_COOKIE_NAME] = session.value
        return answer  # type: ignore[return-value]

    def path(self, route: str, verb: str = "GET") -> str:
        ids = self.ids
        if route.startswith(V1):
            # To run a job, its id is posted.
            run = ids["jobs" if verb == "POST" else "executions"]
            numbers = {"users": str(self.users["owner"].pk), "categories": ids["unused"]}
            ids = ids | numbers | {"executions": run}
        if route.startswith(conda_matrix.PATHS):
            ids = ids | self.conda
        if settings.THEMES_ENABLED:
            route = themes_matrix.path(route)
        return re.sub(r"([\w-]+)/<\w+:\w+>", lambda found: f"{found[1]}/{ids[found[1]]}", route)

    def _credentials(self, route: str, role: str) -> dict[str, str]:
        if role not in self.tokens:
            return {}
        if route.startswith(V1):
            user = self.users[role]
            return {"Authorization": f"Bearer {v1_tokens.issue(user, Numbers().of(user.category_id))}"}
        if route.startswith(conda_matrix.PATHS):
            return {"Cookie": self.cookies[role]}
        access, refresh = self.tokens[role]
        return {"Authorization": f"Bearer {refresh if route.endswith('/refresh') else access}"}

    def _body(self, verb: str, route: str, role: str) -> tuple[bytes, str]:
        key = f"{verb} {route}"
        if key in FILES:
            return encode_multipart(BOUNDARY, {"file": upload()}), MULTIPART_CONTENT
        if key == "POST /api/v2/auth/login/form":
            return urlencode(LOGIN).encode(), "application/x-www-form-urlencoded"
        if route.startswith(MACHINES):
            signed = themes_matrix.signed() if route.startswith(REGISTRY) else {}
            return json.dumps(BODIES.get(key, {}) | signed).encode(), "application/json"
        return encode_multipart(BOUNDARY, self._form(key, role)), MULTIPART_CONTENT

    def _form(self, key: str, role: str) -> dict[str, Any]:
        if key == "POST /jobs/new":
            user = self.users.get(role)
            own = {"category": user.category_id} if user and user.category_id else {}
            return entries(name="new", **own)
        if key == "POST /jobs/<uuid:uid>/edit":
            return edits(self.job, category=self.job.category_id)
        if settings.THEMES_ENABLED and "/registry" in key:
            return themes_matrix.filled(key)
        return BODIES.get(key, {})

    def _note(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if found := WRITE.match(sql):
            self.written.add(found[1])
        return execute(sql, *rest)


def upload() -> SimpleUploadedFile:
    return SimpleUploadedFile("jobs.csv", CSV.encode())


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def make_world() -> World:
    here, away = (Category.objects.create(name=name) for name in ("Here", "Away"))
    Numbers()  # the first look of the old dialect makes a category
    users = _people(here, away)
    owner, now = users["owner"], timezone.now()
    by = Actor(owner, "api")
    # Two may run at once, so that starting another is no question of whether one runs.
    job = make_job(owner, category=here.pk, overlap=Job.Overlap.ALLOW)
    run = row(job, now, now, Trigger.MANUAL)
    # Of code, since only that can be suspended.
    run.state, run.started_at, run.attempt, run.kind = State.RUNNING, now, 1, Job.Kind.PYTHON_CLASS
    run.save()
    left = Path(settings.ARTIFACTS_DIR, run.uid.hex, "1", "a.txt")
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text("left")
    run.artifacts.create(attempt=1, name=left.name, size=4)
    alert = Alert.objects.create(
        key="a", event="test", channel="slack", state="undeliverable", give_up_at=now, created_at=now
    )
    environment, busy = (
        Environment.objects.create(name=name, backend="pypi", state="ready", created_by=owner)
        for name in ("here", "busy")
    )
    SlackSettings(is_enabled=True, secrets={"webhook_url": HOOK}).save()
    things: dict[str, Any] = {
        "users": owner,
        "jobs": job,
        "executions": run,
        "alerts": alert,
        "incidents": lifecycle.report_problem(
            Problem(Incident.Kind.FAILING, str(job.uid), now, concerned(job)), now
        ),
        "steps": rule_verbs.add_step(5, "email", by=by),
        "notifications": Notification.objects.create(user=owner, title="t", message="m", created_at=now),
        "sessions": Login.objects.create(
            user=owner,
            surface="api",
            created_at=now,
            last_seen_at=now,
            expires_at=now + dt.timedelta(days=1),
        ),
        "tokens": api_tokens.create(owner, "t", read_only=False, expires_at=None, by=by)[0],
        "job-categories": here,
        "environments": environment,
        "operations": environment_verbs.update(busy, by=by),
        "destinations": Destination.objects.create(
            name="Ops", slug="ops", channel="discord", secrets={"webhook_url": HOOK}
        ),
        "pic-teams": Team.objects.create(name="Team", slack_handle="@team"),
        "categories": here,
        "holds": holds.begin(reason="r", by=by, category=away),
        "bulk": bulk.make(BulkCommand("pause"), Job.objects.filter(pk=job.pk), by=by),
    }
    Drain.objects.create(worker="w", roles="io", at=now, by_name="owner")
    unused = Category.objects.create(name="Unused")
    words = {
        "drains": "w",
        "help": "security",
        "upload": "token",
        "artifacts": left.name,
        "versions": "1",
        "new": "discord",
        "unused": str(unused.pk),
    }
    if settings.THEMES_ENABLED:
        themes_matrix.populate()
    things["teams"] = things["pic-teams"]
    ids = {name: str(thing.uid) for name, thing in things.items()} | words
    return World(users, job, ids, conda_matrix.populate(users["admin"], here))


def _people(here: Category, away: Category) -> dict[str, User]:
    kinds: dict[str, dict[str, Any]] = {
        "inactive": {"role": "admin"},
        "viewer": {"role": "viewer"},
        "other": {"role": "user", "edit_scope": "own"},
        "category": {"role": "user", "edit_scope": "category", "category": here},
        "afar": {"role": "user", "edit_scope": "category", "category": away},
        "owner": {"role": "user", "edit_scope": "own"},
        "admin": {"role": "admin"},
    }
    return {
        name: User.objects.create_user(name, f"{name}@example.com", PASSWORD, **values)
        for name, values in kinds.items()
    }
