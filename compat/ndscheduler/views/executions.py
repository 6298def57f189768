"""`/executions`: run a job now, and what became of runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from django.db.models import F, Prefetch, QuerySet
from django.db.models.functions import Right
from django.http import HttpRequest

from compat.ndscheduler import wire
from compat.ndscheduler.identifiers import as_uuid
from compat.ndscheduler.views import access, ranges
from compat.ndscheduler.views.base import JSON_TYPE, Answer, Refusal, V1View, refuse
from executions.ledger import launch
from executions.ledger.limits.quotas import TooMany
from executions.models import Execution, LogChunk, State
from jobs.models import Job, stored_schedule
from jobs.verbs import Refused
from scheduler_site.lib import clock
from scheduler_site.rest.streamed import first, is_long, streamed

USUAL = dt.timedelta(minutes=10)
# An answer with more than these would be of no use to a page.
MOST = 20_000
TAIL = 16_000  # characters
FAILED = (State.FAILED, State.LOST, State.TIMEOUT, State.ERROR)


class ExecutionsView(V1View):
    """GET the runs of a time range, the last changed first. 400 for times that cannot be read."""

    def get(self, request: HttpRequest) -> Answer:
        start, end = ranges.read(request, USUAL, clock.now())
        rows = access.runs(self.user).runs().filter(due_at__gte=start, due_at__lte=end)
        found = _with_jobs(first(rows))
        if not is_long(found):
            return {"executions": _shown(sorted(found, key=_last_changed, reverse=True))}
        dated = sorted(rows.only(*wire.DATED)[:MOST], key=_last_changed, reverse=True)
        return streamed("executions", [run.pk for run in dated], _page, content_type=JSON_TYPE)

    def post(self, request: HttpRequest) -> NoReturn:
        refuse(400, "Job id is required")


class ExecutionView(V1View):
    """GET the run of an id; POST runs the job of an id (400, 403)."""

    needs = {"POST": "jobs.run_job"}

    def get(self, request: HttpRequest, execution_id: str) -> wire.ShownRun:
        uid = as_uuid(execution_id)
        found = _with_jobs(access.runs(self.user).filter(uid=uid)[:1]) if uid else []
        if not found:
            refuse(400, f"Execution not found: {execution_id}")
        return wire.execution_json(found[0], log=_tracebacks(found).get(found[0].pk, ""))

    def post(self, request: HttpRequest, execution_id: str) -> dict[str, Any]:
        job = access.changeable_job(self.user, execution_id, status=400)
        try:
            run = launch.launch(job, by=self.by)
        except TooMany as refusal:
            raise Refusal(429, str(refusal), {"Retry-After": str(refusal.seconds)}) from refusal
        except Refused as refusal:
            raise Refusal(400, str(refusal)) from refusal
        except Job.DoesNotExist:
            access.no_such_job(execution_id, 400)
        return {"execution_id": run.uid.hex}

    def delete(self, request: HttpRequest, execution_id: str) -> NoReturn:
        refuse(501, "Stopping an execution is not implemented")


def _page(keys: Sequence[int]) -> list[wire.ShownRun]:
    by_key = {run.pk: run for run in _with_jobs(Execution.objects.filter(pk__in=keys))}
    return _shown([by_key[key] for key in keys if key in by_key])


def _shown(runs: list[Execution]) -> list[wire.ShownRun]:
    logs = _tracebacks(runs)
    return [wire.execution_json(run, log=logs.get(run.pk, "")) for run in runs]


def _last_changed(run: Execution) -> tuple[dt.datetime, int]:
    return wire.updated(run), run.pk


def _with_jobs(rows: QuerySet[Execution]) -> list[Execution]:
    """With their jobs, as far as these are shown; runs of one job share it."""
    shown = Job.objects.only(*wire.SHOWN)
    found = list(rows.defer("definition").prefetch_related(Prefetch("job", shown)))
    stored_schedule.attach({run.job.pk: run.job for run in found if run.job}.values())
    return found


def _tracebacks(runs: Iterable[Execution]) -> dict[int, str]:
    """What the last attempt of those that failed wrote last."""
    failed = [run.pk for run in runs if run.state in FAILED]
    if not failed:
        return {}
    pieces = LogChunk.objects.filter(execution__in=failed, attempt=F("execution__attempt"))
    pieces = pieces.filter(text__contains="Traceback").order_by("id")
    return dict(pieces.annotate(end=Right("text", TAIL)).values_list("execution_id", "end"))
