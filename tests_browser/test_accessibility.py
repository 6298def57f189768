"""axe-core on the main pages, wide and light, and on a small phone in the dark. It finds nothing; nor is anything too wide."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from accounts.models import Category, Team, User
from executions.demo import verbs as demo
from executions.models import Execution, State
from incidents.models import Incident
from jobs.models import Job
from notifications.models import Destination
from tests_browser.conftest import Visit, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGES = (
    *("/", "/jobs", "/jobs/new?kind=webhook", "/executions", "/incidents", "/settings/incidents"),
    *("/settings/destinations", "/notifications", "/environments", "/people", "/people/teams"),
    *("/people/categories", "/people/users/new", "/profile", "/sessions", "/tokens", "/system", "/audit"),
    *("/help", "/help/tasks", "/jobs/upload", "/jobs/import-crontab"),
)


def pages_of(user: User) -> list[str]:
    """Those of something: with the examples and a team."""
    team = Team.objects.create(name="Night shift")
    team.members.add(user)
    Destination.objects.create(name="Pager", slug="pager", channel="discord").teams.add(team)
    demo.make(user)
    job = Job.objects.order_by("pk")[0]
    run = Execution.objects.filter(state=State.FAILED).order_by("-pk")[0]
    return [
        *(f"/jobs/{job.uid}{part}" for part in ("", "/edit", "/history", "/pause", "/run", "/delete")),
        f"/executions/{run.uid}",
        f"/incidents/{Incident.objects.all()[0].uid}",
        *(f"/people/users/{user.uid}{part}" for part in ("", "/edit", "/leave")),
        *(f"/people/teams/{team.uid}{part}" for part in ("", "/edit")),
        f"/people/categories/{Category.general().uid}/disable",
    ]


def violations(axe: Axe, visitor: Visitor) -> list[tuple[str, list[str]]]:
    found: list[dict[str, Any]] = axe.run(visitor.page).response["violations"]
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])
def test_the_main_pages_are_accessible(visit: Visit, ada: User, width: int, dark: bool) -> None:
    axe, wrong = Axe(), {}
    visitor = visit(ada, width=width, dark=dark)
    for path in (*PAGES, *pages_of(ada)):
        visitor.open(path)
        if found := violations(axe, visitor):
            wrong[path] = found
        if (needed := visitor.page.evaluate("document.documentElement.scrollWidth")) > width:
            wrong.setdefault(path, []).append(("too wide", [str(needed)]))
    assert wrong == {}
