"""How many runs go on at once, of a job, a category and a key; who is next; and what the others wait for."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import Category, User
from audit.models import Entry
from audit.record import Actor
from conftest import Api
from executions.ledger import claims, outcomes
from executions.ledger.launch import row
from executions.ledger.limits import concurrency
from executions.ledger.outcomes import Report
from executions.models import Execution, Limit, State, Trigger
from executions.monitoring import figures
from executions.tests.conftest import WORKER, Ledger
from executions.tests.test_worker import eventually
from executions.upkeep import reconcile
from executions.values import Claim
from executions.worker import priority
from executions.worker.writer import ClaimRequest
from jobs.models import Job
from jobs.runners import Outcome
from jobs.tests.factories import make_job, moment
from scheduler_site.lib.database.errors import Kind, kind_of

NOW = moment("2026-03-01 10:00")
LIMITS = "/api/v2/scheduler/limits"


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    concurrency.differ.at = -concurrency.REMEMBERED
    concurrency._figures.cache_clear()


def queue(job: Job, minute: int = 0) -> Execution:
    """A run that was due so many minutes after 9:00."""
    run = row(job, moment(f"2026-03-01 09:{minute:02d}"), NOW, Trigger.MANUAL)
    run.save()
    return run


def jobs(number: int, **changes: Any) -> list[Job]:
    return [make_job(name=f"job {one}", overlap="allow", **changes) for one in range(number)]


def take(*runs: Execution, worker: str = WORKER) -> list[Claim]:
    return claims.claim([str(run.uid) for run in runs], worker, NOW)


def end(claim: Claim, state: Any = "success") -> None:
    outcomes.write([Report(claim, Outcome(state))], WORKER, NOW)


def waits(*runs: Execution) -> list[str]:
    keys = [run.pk for run in runs]
    found = dict(Execution.objects.filter(pk__in=keys).values_list("pk", "waits_for"))
    return [found[key] for key in keys]


def running() -> int:
    return Execution.objects.running().count()


def test_a_key_has_one_place_for_all_its_jobs_unless_somebody_gives_it_more(ledger: Ledger) -> None:
    runs = [queue(job, number) for number, job in enumerate(jobs(3, limit_key="warehouse-db"))]
    assert [claim.pk for claim in take(*runs)] == [runs[0].pk]
    assert waits(*runs) == ["", "key:warehouse-db", "key:warehouse-db"]


def test_the_first_that_waits_is_announced_when_a_place_becomes_free(
    ledger: Ledger, django_capture_on_commit_callbacks: Any
) -> None:
    runs = [queue(job, number) for number, job in enumerate(jobs(3, limit_key="warehouse-db"))]
    (claim,) = take(*runs)
    with django_capture_on_commit_callbacks(execute=True):
        end(claim)
    assert ledger.announced == [runs[1]]
    assert waits(*runs[1:]) == ["", "key:warehouse-db"]
    assert [one.pk for one in take(runs[1])] == [runs[1].pk]


def test_those_that_are_first_but_lack_another_place_keep_nobody_waiting(
    ledger: Ledger, django_capture_on_commit_callbacks: Any
) -> None:
    concurrency.set_limit(3, by=Actor.system(), category=Category.general())
    blockers = take(*(queue(make_job(name=f"blocker {one}")) for one in range(3)))
    of_key = [queue(job, number) for number, job in enumerate(jobs(6, limit_key="k"))]
    free = [queue(make_job(name=f"free {one}"), 30) for one in range(2)]
    assert take(*of_key, *free) == []
    with django_capture_on_commit_callbacks(execute=True):
        for claim in blockers:
            end(claim)
    started = []
    # One message after the other, as the workers hear of them.
    for _turn in range(20):
        with django_capture_on_commit_callbacks(execute=True):
            heard, ledger.announced = ledger.announced, []
            started += [claim.pk for run in heard for claim in take(run)]
    assert sorted(started) == sorted(run.pk for run in [of_key[0], *free])


@pytest.mark.parametrize("state", ["success", "failed", "timeout", "stopped", "error"])
def test_every_end_frees_the_place(ledger: Ledger, state: str) -> None:
    first, second = (queue(job) for job in jobs(2, limit_key="k"))
    (claim,) = take(first, second)
    end(claim, state)
    assert waits(second) == [""]


def test_nobody_who_comes_later_takes_the_place_of_one_that_waits(ledger: Ledger) -> None:
    first, second, third = (queue(job, number) for number, job in enumerate(jobs(3, limit_key="k")))
    (claim,) = take(first)
    take(second)
    end(claim)
    # Its message is on its way; the third is claimed before it arrives.
    assert take(third) == []
    assert waits(third) == ["key:k"]
    assert len(take(second)) == 1


def test_the_higher_priority_goes_first_then_the_earlier_due_time(ledger: Ledger) -> None:
    low, high = jobs(2, limit_key="k")
    Job.objects.filter(pk=high.pk).update(priority=8)
    high.refresh_from_db()
    (claim,) = take(queue(low))
    early, late, urgent = queue(low, 1), queue(low, 2), queue(high, 3)
    take(late, early, urgent)
    order = []
    for _ in range(3):
        end(claim)
        (claim,) = take(early, late, urgent)
        order.append(claim.pk)
    assert order == [urgent.pk, early.pk, late.pk]


def test_a_job_that_runs_side_by_side_may_have_a_bound_of_its_own(ledger: Ledger) -> None:
    (job,) = jobs(1, max_running=2)
    runs = [queue(job, number) for number in range(4)]
    assert len(take(*runs)) == 2
    assert waits(*runs[2:]) == [f"job:{job.pk}"] * 2


def test_a_category_has_as_many_as_it_likes_or_as_an_administrator_says(ledger: Ledger) -> None:
    runs = [queue(job, number) for number, job in enumerate(jobs(4))]
    assert len(take(runs[0])) == 1
    concurrency.set_limit(2, by=Actor.system(), category=Category.general())
    assert len(take(*runs[1:])) == 1
    assert waits(*runs[2:]) == [f"category:{Category.general().pk}"] * 2


def test_a_run_takes_a_place_only_where_it_has_all_that_it_needs(ledger: Ledger) -> None:
    both, one = jobs(2, limit_key="k")
    concurrency.set_limit(1, by=Actor.system(), category=Category.general())
    other = Category.objects.create(name="Other", slug="other")
    Job.objects.filter(pk=one.pk).update(category=other)
    one.refresh_from_db()
    blocker = make_job(name="blocker")
    (claim,) = take(queue(blocker))
    waiting, free = queue(both, 1), queue(one, 2)
    assert take(waiting) == []
    # It waits for its category, and keeps nobody from the key meanwhile.
    assert len(take(free)) == 1
    end(claim)
    assert take(waiting) == []
    assert waits(waiting) == ["key:k"]


def test_more_places_let_more_start_at_once_and_are_in_the_trail(
    ledger: Ledger, django_capture_on_commit_callbacks: Any
) -> None:
    runs = [queue(job, number) for number, job in enumerate(jobs(4, limit_key="k"))]
    take(*runs)
    with django_capture_on_commit_callbacks(execute=True):
        concurrency.set_limit(3, by=Actor.system(), key="k")
    assert waits(*runs) == ["", "", "", "key:k"]
    assert len(take(*runs)) == 2
    entry = Entry.objects.filter(object_type="limit").get()
    assert entry.changes == {"most": {"old": None, "new": 3}}


def test_a_place_that_a_crash_left_free_is_found_by_the_reconciler(
    ledger: Ledger, django_capture_on_commit_callbacks: Any
) -> None:
    first, second = (queue(job) for job in jobs(2, limit_key="k"))
    take(first, second)
    Execution.objects.filter(pk=first.pk).update(state=State.LOST)
    with django_capture_on_commit_callbacks(execute=True):
        reconcile.reconcile(NOW, settled=False)
    assert second in ledger.announced
    assert waits(second) == [""]


def test_what_waits_for_a_place_is_not_announced_again_and_again(ledger: Ledger) -> None:
    first, second = (queue(job) for job in jobs(2, limit_key="k"))
    take(first, second)
    reconcile.reconcile(moment("2026-03-01 10:10"), settled=False)
    assert ledger.announced == []
    assert figures.oldest_queued() is None


def test_runs_of_one_job_that_follow_each_other_keep_doing_so(ledger: Ledger) -> None:
    job = make_job(due="2026-03-01 10:00", overlap="queue", limit_key="k")
    (blocker,) = jobs(1, limit_key="k")
    (claim,) = take(queue(blocker))
    ledger.tick("2026-03-01 10:00:01")
    ledger.tick("2026-03-01 11:00:01")
    first, second = ledger.rows(job)
    assert (ledger.claim(first, "2026-03-01 10:00:02"), second.held) == ([], True)
    end(claim)
    (claim,) = ledger.claim(first, "2026-03-01 10:00:03")
    assert ledger.claim(second, "2026-03-01 11:00:02") == []
    end(claim)
    assert len(ledger.claim(second, "2026-03-01 11:00:03")) == 1


def test_a_message_is_worth_the_run_whose_turn_it_is(ledger: Ledger) -> None:
    usual, urgent = jobs(2)
    assert not concurrency.differ()
    Job.objects.filter(pk=urgent.pk).update(priority=9)
    urgent.refresh_from_db()
    concurrency.differ.at = -concurrency.REMEMBERED
    runs = [queue(usual, 1), queue(usual, 2), queue(urgent, 3)]
    assert concurrency.differ()
    first = concurrency.preferred("io", 2, NOW)
    assert first == [str(runs[2].uid), str(runs[0].uid)]
    assert concurrency.preferred("io", 2, NOW, tried=first) == [str(runs[1].uid)]


def test_a_message_whose_run_another_worker_has_starts_the_next(ledger: Ledger) -> None:
    low, high = (queue(job) for job in jobs(2))
    turns = [high, low]

    def first(_queue: str, _count: int, _tried: Sequence[str]) -> list[str]:
        # Found by two workers at the same moment: the other one is faster.
        found = turns.pop(0)
        if found == high:
            take(high, worker="worker-2")
        return [str(found.uid)]

    message = ClaimRequest([str(high.uid)], "io")
    claimed = priority.claim([message], first, lambda uids: claims.claim(uids, WORKER, NOW))
    assert [claim.pk for claim in claimed] == [low.pk]
    assert message.uids == [str(low.uid)]


def test_what_was_claimed_is_kept_when_looking_further_fails(ledger: Ledger) -> None:
    runs = [queue(job) for job in jobs(2)]
    messages = [ClaimRequest([str(run.uid)], "io") for run in runs]

    def first(_queue: str, _count: int, tried: Sequence[str]) -> list[str]:
        if tried:
            raise ValueError
        return [str(runs[1].uid)]

    claimed = priority.claim(messages, first, lambda uids: claims.claim(uids, WORKER, NOW))
    assert [claim.pk for claim in claimed] == [runs[1].pk]
    assert [list(one.uids) for one in messages] == [[str(runs[1].uid)], []]


def test_a_run_says_what_it_waits_for(ledger: Ledger, api: Api, client: Client, ada: User) -> None:
    first, second = (queue(job) for job in jobs(2, limit_key="warehouse-db"))
    take(first, second)
    text = "Waits for a free place of the key warehouse-db (1 of 1 running)."
    assert api(ada).get(f"/api/v2/executions/{second.uid}").json()["execution"]["waits_for"] == text
    assert api(ada).get(f"/api/v2/executions/{first.uid}").json()["execution"]["waits_for"] is None
    client.force_login(ada)
    assert text in client.get(f"/executions/{second.uid}").content.decode()


def test_administrators_change_limits_over_the_api(api: Api, ada: User) -> None:
    answer = api(ada).put(LIMITS, {"key": "warehouse-db", "most": 2}, format="json")
    shown = {"key": "warehouse-db", "category": None, "most": 2, "running": 0, "waiting": 0}
    assert (answer.status_code, answer.json()["limit"]) == (200, shown)
    api(ada).put(LIMITS, {"category": "general", "most": 5}, format="json")
    assert [one["most"] for one in api(ada).get(LIMITS).json()["limits"]] == [5, 2]
    api(ada).put(LIMITS, {"category": "general", "most": None}, format="json")
    assert [one["key"] for one in api(ada).get(LIMITS).json()["limits"]] == ["warehouse-db"]


@pytest.mark.parametrize(
    "body",
    [
        {"most": 2},
        {"key": "k", "category": "general", "most": 2},
        {"key": "two words", "most": 2},
        {"key": 5, "most": 2},
        {"key": "k", "most": 0},
        {"key": "k", "most": True},
        {"key": "k", "most": "2"},
        {"key": "k", "most": 1001},
        {"category": "none", "most": 2},
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(api: Api, ada: User, body: Any) -> None:
    assert api(ada).put(LIMITS, body, format="json").status_code == 400
    assert not Limit.objects.exists()


def test_administrators_change_limits_on_the_page(client: Client, ada: User) -> None:
    client.force_login(ada)
    page = client.post("/system/limits", {"key": "k", "category": "general", "most": "2"})
    assert "Name a key or a category" in page.content.decode()
    assert client.post("/system/limits", {"key": "k", "most": "2"}).status_code == 302
    assert concurrency.most_of("key:k") == 2


def claim_patiently(runs: Sequence[Execution], worker: str) -> list[Claim]:
    """As a worker does: a conflict with another is no reason to give up, and what landed all the same is taken up."""
    seen = dict[int, int]()
    for _try in range(50):
        try:
            return claims.claim([str(run.uid) for run in runs], worker, NOW, seen)
        except Exception as error:
            if kind_of(error) is Kind.NEVER:
                raise
            connection.close()
            time.sleep(0.02)
    raise AssertionError("It was in conflict with others for too long.")


def at_once(number: int, work: Callable[[str], None]) -> None:
    """So many threads, each a worker, which begin at the same moment; what one of them raises is raised."""
    began = threading.Barrier(number)

    def begin(worker: str) -> None:
        try:
            began.wait(10)
            work(worker)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        list(pool.map(begin, [f"worker-{one}" for one in range(number)]))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("repeat", range(3))
def test_workers_that_claim_at_the_same_moment_give_away_each_place_once(ledger: Ledger, repeat: int) -> None:
    concurrency.set_limit(5, by=Actor.system(), key="k")
    concurrency.set_limit(7, by=Actor.system(), category=Category.general())
    (alone,) = jobs(1, max_running=2)
    runs = [queue(make_job(name=f"of the key {one}", limit_key="k", overlap="allow")) for one in range(10)]
    runs += [queue(alone, one) for one in range(5)]

    def work(worker: str) -> None:
        mixed = random.Random(f"{repeat} {worker}").sample(runs, len(runs))
        for part in range(0, len(mixed), 5):
            claim_patiently(mixed[part : part + 5], worker)

    at_once(8, work)
    for _turn in range(len(runs)):
        # Whose turn it was had not been asked for by then, perhaps.
        concurrency.wake_all()
        claim_patiently(runs, WORKER)
    assert running() == 7
    assert Execution.objects.running().filter(limit_key="k").count() <= 5
    assert Execution.objects.running().filter(job=alone).count() <= 2
    assert set(Execution.objects.running().values_list("attempt", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_and_end_never_have_more_than_there_are_places(ledger: Ledger) -> None:
    concurrency.set_limit(3, by=Actor.system(), key="k")
    runs = [queue(job, number) for number, job in enumerate(jobs(12, limit_key="k"))]
    seen: list[int] = []

    def work(worker: str) -> None:
        for run in runs:
            for claim in claim_patiently([run], worker):
                seen.append(running())
                outcomes.write([Report(claim, Outcome("success"))], worker, NOW)

    at_once(6, work)
    assert seen
    assert max(seen) <= 3
    # Everybody had a turn: who was announced again is claimed again.
    for _ in range(len(runs)):
        concurrency.wake_all()
        for claim in take(*runs):
            end(claim)
    assert set(Execution.objects.values_list("state", flat=True)) == {"success"}


@pytest.mark.django_db(transaction=True)
def test_an_end_that_meets_a_claim_leaves_nobody_waiting_for_a_free_place(ledger: Ledger) -> None:
    """On databases with one writer they cannot meet, but the order is the same."""
    first, second = (queue(job, number) for number, job in enumerate(jobs(2, limit_key="k")))
    (claim,) = take(first)
    counted, locks = threading.Event(), connection.features.has_select_for_update

    def look() -> None:
        with transaction.atomic():
            take(second, worker="worker-2")
            counted.set()
            # Its end is on record before this is, and then waits for it.
            if locks:
                eventually(lambda: not Execution.objects.running().exists())
                time.sleep(0.3)
        connection.close()

    other = threading.Thread(target=look)
    other.start()
    assert counted.wait(10)
    end(claim)
    other.join()
    assert second in ledger.announced
    assert waits(second) == [""]
