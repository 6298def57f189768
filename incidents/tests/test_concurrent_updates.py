"""Workers that count the same failures at the same moment, while others close: nothing is opened twice, lost, or told twice."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import DatabaseError, connection, transaction

from incidents import lifecycle, notify
from incidents.models import Incident
from incidents.notify import Audience
from incidents.tests.factories import concerned, trouble
from jobs.tests.factories import moment
from notifications.messages import Message
from notifications.models import Alert
from scheduler_site.lib.database.errors import Kind, kind_of

pytestmark = pytest.mark.django_db(transaction=True)

NOW = moment("2026-03-01 10:00")
WORKERS, EACH = 4, 10


def at_once(*calls: Callable[[], None]) -> None:
    """All begin together; what one of them raises is raised here."""
    begin, errors = threading.Barrier(len(calls)), []

    def run(call: Callable[[], None]) -> None:
        try:
            begin.wait()
            call()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def in_one(step: Callable[[], object]) -> None:
    """In a transaction; again as long as another is in its way, as writer and reconciler do (on a deadlock of MariaDB)."""
    while True:
        try:
            with transaction.atomic():
                step()
            return
        except DatabaseError as error:
            if kind_of(error) is not Kind.CONFLICT:
                raise


def count() -> None:
    """As a worker: counts in a transaction of its own, and tells when it was the first."""

    def one(now: dt.datetime) -> None:
        incident = lifecycle.report_problem(trouble(concerned(), now), now)
        audience = Audience(emails=["a@b.c"])
        notify.announce(incident, Alert.Event.JOB_FAILED, Message("s", "h"), audience, now)

    for step in range(EACH):
        in_one(partial(one, NOW + dt.timedelta(seconds=step)))


def test_several_workers_count_one_incident_and_one_of_them_tells(db: None) -> None:
    at_once(*[count] * WORKERS)
    incident = Incident.objects.get()
    assert incident.count == WORKERS * EACH
    assert Alert.objects.filter(phase="opened").count() == 1


def test_whatever_is_closed_in_between_each_failure_counts_once_and_each_opening_is_told_once(
    db: None,
) -> None:
    def close() -> None:
        for step in range(EACH):
            for incident in Incident.objects.open():
                in_one(partial(lifecycle.recover, incident, NOW + dt.timedelta(minutes=step + 1)))

    at_once(count, count, count, close)
    incidents = list(Incident.objects.all())
    assert sum(one.count for one in incidents) == 3 * EACH
    assert sum(one.is_open for one in incidents) <= 1
    assert Alert.objects.filter(phase="opened").count() == len(incidents)
    assert Alert.objects.filter(phase="recovered").count() == sum(not one.is_open for one in incidents)
