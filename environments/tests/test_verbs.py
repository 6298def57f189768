"""What people may ask of environments, and what is refused with nothing changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from accounts.models import User
from audit.models import Entry
from audit.record import Actor
from environments import available_backends, verbs
from environments.models import Environment, Operation
from environments.operations.worker import OperationWorker
from environments.tests.conftest import Made, ended
from executions.ledger.launch import row
from executions.models import State, Trigger
from jobs.models import Job
from jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db(transaction=True)


def use(environment: Environment, owner: User, name: str = "nightly", **options: Any) -> Job:
    """A job that names the environment."""
    job = make_job(owner, name=name)
    Job.objects.filter(pk=job.pk).update(environment=environment, options=options)
    job.refresh_from_db()
    return job


def running(job: Job) -> None:
    now = timezone.now()
    run = row(job, now, now, Trigger.MANUAL)
    run.state, run.started_at, run.attempt = State.RUNNING, now, 1
    run.save()


@pytest.mark.parametrize(
    "name", ["", ".hidden", "-rf", "a/b", "..", "a b", "x" * 65, "名前", "base", "a\n", "a;b", "$HOME"]
)
def test_a_name_that_could_be_something_else_is_refused(name: str, by: Actor) -> None:
    with pytest.raises(verbs.Invalid):
        verbs.create(name, by=by)
    assert not Environment.objects.exists()
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    "package",
    ["--help", "-e .", "https://x.example/y", "numpy[url=file:///etc/passwd]", "a @ b", "../x", "x; y", ""],
)
def test_a_specification_that_could_be_something_else_is_refused(package: str, by: Actor) -> None:
    with pytest.raises(verbs.Invalid):
        verbs.create("data", packages=["six", package], by=by)
    assert not Environment.objects.exists()


@pytest.mark.parametrize("python", ["2.7", "latest", "3.12; rm", "-3.12"])
def test_a_version_that_is_none_is_refused(python: str, by: Actor) -> None:
    with pytest.raises(verbs.Invalid):
        verbs.create("data", python=python, by=by)


def test_an_installed_conda_makes_nothing(by: Actor) -> None:
    with pytest.raises(verbs.Invalid):
        verbs.create("data", backend="external", by=by)


def test_a_name_is_given_once(made: Made, by: Actor) -> None:
    made("data")
    with pytest.raises(verbs.NameTaken):
        verbs.create("data", by=by)


def test_of_many_creates_of_one_name_at_once_one_wins(by: Actor) -> None:
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def create() -> None:
        barrier.wait()
        try:
            verbs.create("data", by=by)
            outcomes.append("made")
        except verbs.NameTaken:
            outcomes.append("taken")
        finally:
            connection.close()

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "taken", "taken", "taken"]
    assert Operation.objects.count() == 1


def test_of_many_changes_at_once_one_wins(made: Made, by: Actor) -> None:
    environment = made("data")
    outcomes: list[str] = []
    barrier = threading.Barrier(4)

    def install() -> None:
        barrier.wait()
        try:
            verbs.install(environment, ["six"], by=by)
            outcomes.append("asked")
        except verbs.Busy:
            outcomes.append("busy")
        finally:
            connection.close()

    threads = [threading.Thread(target=install) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["asked", "busy", "busy", "busy"]


def test_while_an_operation_is_open_no_other_one_is_taken(
    made: Made, by: Actor, operator: OperationWorker
) -> None:
    environment = made("data")
    operation = verbs.install(environment, ["six"], by=by)
    refused: list[Callable[[], object]] = [
        lambda: verbs.remove(environment, ["six"], by=by),
        lambda: verbs.update(environment, by=by),
        lambda: verbs.delete(environment, by=by),
    ]
    for verb in refused:
        with pytest.raises(verbs.Busy):
            verb()
    ended(operator, operation)
    assert ended(operator, verbs.update(environment, by=by)).state == "success"


def test_an_environment_that_jobs_name_is_not_deleted(made: Made, by: Actor, uma: User) -> None:
    environment = made("data")
    use(environment, uma, "by path", path="/srv/report.py")
    use(environment, uma, "nightly")
    with pytest.raises(verbs.InUse, match="nightly") as refusal:
        verbs.delete(environment, by=by)
    assert refusal.value.scripts == ["/srv/report.py", "nightly"]
    assert Environment.objects.get().state == "ready"


def test_an_environment_with_a_run_in_it_is_not_changed(made: Made, by: Actor, uma: User) -> None:
    environment = made("data")
    job = use(environment, uma)
    verbs.cancel(verbs.install(environment, ["six"], by=by), by=by)  # nothing runs yet
    running(job)
    with pytest.raises(verbs.InUse, match="nightly"):
        verbs.install(environment, ["six"], by=by)
    with pytest.raises(verbs.InUse, match="nightly"):
        verbs.rename(environment, "other", by=by)
    assert Environment.objects.get().name == "data"


def test_a_rename_moves_nothing_and_jobs_follow(made: Made, by: Actor, uma: User) -> None:
    environment, other = made("data", "six"), made("other")
    home = environment.home
    job = use(environment, uma)
    with pytest.raises(verbs.NameTaken):
        verbs.rename(environment, "other", by=by)
    assert verbs.rename(environment, "renamed", by=by) == 1
    job.refresh_from_db()
    assert job.environment is not None
    assert (job.environment.name, job.environment.home) == ("renamed", home)
    assert verbs.rename(other, "other", by=by) == 0


def test_a_name_that_only_a_job_knows_becomes_the_environment_that_is_made_of_it(
    by: Actor, uma: User, operator: OperationWorker
) -> None:
    absent = verbs.named("data")
    assert verbs.named("data") == absent
    job = use(absent, uma)
    assert not Environment.objects.existing().exists()
    ended(operator, verbs.create("data", packages=["six"], by=by))
    job.refresh_from_db()
    assert job.environment is not None
    assert (job.environment.uid, job.environment.state) == (absent.uid, "ready")


def test_a_failed_create_gives_the_name_back_to_the_jobs_that_know_it(
    by: Actor, uma: User, operator: OperationWorker
) -> None:
    absent = verbs.named("data")
    use(absent, uma)
    ended(operator, verbs.create("data", packages=["missing"], by=by))
    absent.refresh_from_db()
    assert (absent.state, absent.python_version, absent.disk_bytes) == ("absent", "", None)


def test_a_rename_to_a_name_that_only_a_job_knows_takes_the_job_over(
    made: Made, by: Actor, uma: User
) -> None:
    environment = made("data")
    job = use(verbs.named("wanted"), uma)
    assert verbs.rename(environment, "wanted", by=by) == 1
    job.refresh_from_db()
    assert job.environment == environment


def test_a_discovered_environment_is_registered_used_and_never_changed(
    by: Actor, operator: OperationWorker
) -> None:
    found = {"name": "old", "prefix": "/opt/conda/envs/old", "python_version": "3.9"}
    cache.set(available_backends.KEY, {"external": {"found": [found]}})
    with pytest.raises(verbs.Invalid):
        verbs.register("/etc", "etc", by=by)
    environment = verbs.register("/opt/conda/envs/old", "old", by=by)
    ended(operator, environment.operations.get())
    environment.refresh_from_db()
    assert (environment.state, environment.backend, environment.python_version) == (
        "ready",
        "external",
        "3.9.1",
    )
    assert available_backends.discovered() == []
    with pytest.raises(verbs.ReadOnly):
        verbs.install(environment, ["six"], by=by)
    assert verbs.delete(environment, by=by).state == "success"
    assert not environment.home.exists()
    assert not Environment.objects.exists()
    assert [one.prefix for one in available_backends.discovered()] == ["/opt/conda/envs/old"]


def test_the_trail_says_who_asked_for_what(
    made: Made, by: Actor, operator: OperationWorker, uma: User
) -> None:
    environment = made("data")
    ended(operator, verbs.install(environment, ["six"], by=Actor(uma, "api")))
    ended(operator, verbs.delete(environment, by=Actor(uma, "page")))
    trail = [(one.actor_name, one.event, one.surface) for one in Entry.objects.order_by("id")]
    assert trail == [
        ("ada", "added", "api"),
        ("uma", "modified", "api"),
        ("uma", "modified", "page"),
        ("uma", "deleted", "system"),
    ]
