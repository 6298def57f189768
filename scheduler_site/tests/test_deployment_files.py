"""The files of deploy/ and the compose file: processes that are watched, two beats, and no more rights than JOB_USER needs."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from environments.os_account import NEEDED
from scheduler_site.running import programs

ROOT = Path(settings.BASE_DIR)
CAPABILITIES = sorted(name.removeprefix("CAP_") for name in NEEDED)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
ROLES = {
    "beat": "beat",
    "worker-io": "io",
    "worker-code": "code",
    "worker-system": "system",
}
RUNS_CODE = ("worker-code", "worker-system")


def pods() -> dict[str, Any]:
    """Deployments by the name of their component."""
    found = {}
    for path in (ROOT / "deploy" / "kubernetes").glob("*.yaml"):
        for document in yaml.safe_load_all(path.read_text()):
            if document["kind"] == "Deployment":
                found[document["metadata"]["name"].removeprefix("belfry-")] = document["spec"]
    return found


PODS = pods()


def container(component: str) -> dict[str, Any]:
    found: dict[str, Any] = PODS[component]["template"]["spec"]["containers"][0]
    return found


def test_kubernetes_has_all_programs_and_two_beats() -> None:
    assert PODS.keys() == {"web", *ROLES}
    assert PODS["beat"]["replicas"] == COMPOSE["services"]["beat"]["deploy"]["replicas"] == 2
    listed = yaml.safe_load((ROOT / "deploy/kubernetes/kustomization.yaml").read_text())["resources"]
    files = {path.name for path in (ROOT / "deploy/kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed) == files


@pytest.mark.parametrize("component", ROLES)
def test_beats_and_workers_are_asked_whether_they_are_alive(component: str) -> None:
    asked = ["python", "manage.py", "alive", ROLES[component]]
    assert container(component)["livenessProbe"]["exec"]["command"] == asked
    assert COMPOSE["services"][component]["healthcheck"]["test"] == ["CMD", *asked]


def test_the_pages_are_asked_whether_they_answer() -> None:
    assert {container("web")[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")} == {
        "/healthz"
    }


def test_the_pages_are_served_by_the_front_everywhere() -> None:
    # Another of gunicorn's workers is stopped by a few idle clients.
    procfile = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web: "))
    commands = (container("web")["command"], COMPOSE["services"]["web"]["command"], procfile.split())
    for command in commands:
        assert programs.FRONT in " ".join(command).replace("=", " ").split()


@pytest.mark.parametrize("component", ["web", *ROLES])
def test_a_container_has_no_more_rights_than_it_needs(component: str) -> None:
    rights = container(component)["securityContext"]
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["capabilities"]["drop"] == ["ALL"]
    assert rights["capabilities"].get("add", []) == (CAPABILITIES if component in RUNS_CODE else [])
    service = COMPOSE["services"][component]
    assert service.get("cap_add", []) == (CAPABILITIES if component in RUNS_CODE else [])
    assert (service.get("user") == "root") is (component in RUNS_CODE)


@pytest.mark.parametrize("component", RUNS_CODE)
def test_code_runs_as_another_account(component: str) -> None:
    assert container(component)["command"][0] == "deploy/with-job-user.sh"
    assert COMPOSE["services"][component]["command"][0] == "deploy/with-job-user.sh"
    assert {"name": "JOB_USER", "value": "jobs"} in container(component)["env"]
    assert COMPOSE["services"][component]["environment"]["JOB_USER"] == "jobs"
    script = (ROOT / "deploy/with-job-user.sh").read_text()
    assert sorted(script.split("rights=")[1].split()[0].split(",")) == [
        f"+{one.lower()}" for one in CAPABILITIES
    ]


def test_the_unit_of_systemd_gives_the_same_rights() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "deploy/systemd/belfry.service")
    for name in ("AmbientCapabilities", "CapabilityBoundingSet"):
        assert sorted(unit["Service"][name].split()) == sorted(NEEDED)
    assert unit["Service"]["StateDirectoryMode"] == "0700"


def test_the_worker_of_code_meets_the_database_and_the_broker_and_nobody_else() -> None:
    services = COMPOSE["services"]
    theirs = set(services["worker-code"]["networks"])
    met = {name for name, one in services.items() if theirs & set(one["networks"])} - {"worker-code"}
    assert met == {"database", "broker"}
    assert "CACHE_PASSWORD" not in str(services["worker-code"]["environment"])
    for server in ("broker", "cache"):
        assert "requirepass" in services[server]["command"][-1]
