"""Two processes that change the same rows at once wait for each other in turn, never in a circle."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from executions.models import Execution
from executions.tests.conftest import Ledger
from jobs.tests.factories import make_job

pytestmark = pytest.mark.django_db(transaction=True)


def rows(ledger: Ledger) -> list[int]:
    for number in range(3):
        make_job(name=f"job {number}", due="2026-03-01 10:00")
    ledger.tick("2026-03-01 10:00:01")
    return list(Execution.objects.order_by("pk").values_list("pk", flat=True))


def test_rows_are_locked_in_the_order_of_their_keys_whatever_they_are_sorted_by(ledger: Ledger) -> None:
    keys = rows(ledger)
    with transaction.atomic():
        assert Execution.objects.order_by("-due_at", "-id").locked() == keys


def test_rows_that_somebody_else_has_locked_are_left_out(ledger: Ledger) -> None:
    if not connection.features.has_select_for_update_skip_locked:
        pytest.skip("this database locks no rows")
    first, *others = rows(ledger)
    found: list[list[int]] = []

    def look() -> None:
        with transaction.atomic():
            found.append(Execution.objects.all().locked(skip=True))
        connection.close()

    with transaction.atomic():
        Execution.objects.filter(pk=first).locked()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert found == [others]
