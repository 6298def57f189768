"""`/jobs`: list, add, modify, delete, pause and resume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from audit.models import Entry
from audit.record import record
from compat.ndscheduler import payload, wire
from compat.ndscheduler.views import access
from compat.ndscheduler.views.base import DENIED, JSON_TYPE, Answer, Refusal, V1View, coded, refuse
from jobs import verbs
from jobs.classes.catalog import meta_infos
from jobs.models import Job, stored_schedule
from scheduler_site.rest.streamed import first, is_long, streamed

# Somebody else may take a name between the search for a free one and the row.
TRIES = 5


class JobsBase(V1View):
    http_method_names = [*V1View.http_method_names, "options"]

    def shown(self, job: Job) -> wire.ShownJob:
        zone = ZoneInfo(settings.SCHEDULER_TIMEZONE)
        return wire.job_json(job, self.numbers.of_job(job.category_id), zone)

    def checked(self, job: Job | None = None, *, hopeful: bool = False) -> verbs.JobChanges:
        """What the body says. 400; 403 for a class without the right to run code. `hopeful` takes a name to be free."""
        try:
            return payload.changes_of(self.body(), self.user, job, hopeful=hopeful)
        except payload.Invalid as error:
            raise coded(400, str(error)) from error
        except PermissionDenied:
            refuse(403, DENIED)


class JobsView(JobsBase):
    """GET all jobs by name; POST a new one (400, 403). PUT, DELETE, PATCH and OPTIONS need an id (400)."""

    needs = {
        "POST": "jobs.add_job",
        "DELETE": "jobs.delete_job",
        **dict.fromkeys(("PUT", "PATCH", "OPTIONS"), "jobs.change_job"),
    }

    def get(self, request: HttpRequest) -> Answer:
        rows = access.jobs(self.user)
        found = list(first(rows.only(*wire.SHOWN)))
        if not is_long(found):
            stored_schedule.attach(found)
            return {"jobs": [self.shown(job) for job in sorted(found, key=_by_name)]}
        keys = [job.pk for job in sorted(rows.only("name", "client_form"), key=_by_name)]
        return streamed("jobs", keys, self._page, content_type=JSON_TYPE)

    def _page(self, keys: Sequence[int]) -> list[wire.ShownJob]:
        found = stored_schedule.attach(Job.objects.filter(pk__in=keys).only(*wire.SHOWN))
        by_key = {job.pk: job for job in found}
        return [self.shown(by_key[key]) for key in keys if key in by_key]

    def post(self, request: HttpRequest) -> tuple[int, dict[str, Any]]:
        for last in range(TRIES):
            try:
                job = verbs.create(self.checked(hopeful=last == 0), by=self.by)
            except verbs.Refused as refusal:
                raise Refusal(400, str(refusal)) from refusal
            except IntegrityError:
                if last == TRIES - 1:
                    raise
            else:
                return 201, {"job_id": job.uid.hex}
        raise AssertionError  # the last try returns or raises

    def put(self, request: HttpRequest) -> NoReturn:
        refuse(400, "Job id is required")

    delete = patch = options = put


def _by_name(job: Job) -> str:
    return wire.shown_name(job).casefold()


class JobView(JobsBase):
    """GET one job; PUT changes all that the body says, DELETE removes it, PATCH pauses and OPTIONS resumes it."""

    needs = JobsView.needs

    def get(self, request: HttpRequest, job_id: str) -> wire.ShownJob:
        return self.shown(access.job(self.user, job_id, status=400))

    def put(self, request: HttpRequest, job_id: str) -> wire.ShownJob:
        job = access.changeable_job(self.user, job_id, status=404)
        try:
            return self._modified(job)
        except verbs.Refused as refusal:
            raise Refusal(400, str(refusal)) from refusal
        except Job.DoesNotExist:
            access.no_such_job(job_id, 404)

    def _modified(self, job: Job) -> wire.ShownJob:
        for last in range(TRIES):
            try:
                changed = verbs.update(job, self.checked(job, hopeful=last == 0), by=self.by, active=True)
            except IntegrityError:
                if last == TRIES - 1:
                    raise
            else:
                return self.shown(changed)
        raise AssertionError  # the last try returns or raises

    def delete(self, request: HttpRequest, job_id: str) -> dict[str, Any]:
        job = access.changeable_job(self.user, job_id, status=400)
        try:
            verbs.delete(job, by=self.by)
        except Job.DoesNotExist:
            access.no_such_job(job_id, 400)
        return {"job_id": job.uid.hex}

    def patch(self, request: HttpRequest, job_id: str) -> dict[str, Any]:
        return self._switched(job_id, Entry.Event.PAUSED)

    def options(self, request: HttpRequest, job_id: str) -> dict[str, Any]:  # type: ignore[override]
        return self._switched(job_id, Entry.Event.RESUMED)

    def _switched(self, job_id: str, event: Entry.Event) -> dict[str, Any]:
        """Each call is one entry of the trail, also where nothing changes."""
        job = access.changeable_job(self.user, job_id, status=404)
        verb = verbs.pause if event == Entry.Event.PAUSED else verbs.resume
        try:
            with transaction.atomic():
                scheduled = job.periodic_task_id is not None
                if not (scheduled and verb(job, by=self.by)):
                    record(event, job, by=self.by)
        except verbs.Refused as refusal:
            raise Refusal(400, str(refusal)) from refusal
        except Job.DoesNotExist:
            access.no_such_job(job_id, 404)
        return {"job_id": job.uid.hex}


class MetaView(V1View):
    """GET the classes that jobs may name, with their arguments: what the pages of this dialect carry in their head."""

    def get(self, request: HttpRequest) -> dict[str, Any]:
        inherited = {ours: old for old, ours in settings.JOB_CLASS_ALIASES.items()}
        infos = meta_infos(settings.JOB_CLASS_PACKAGES)
        for info in infos:
            info["job_class_string"] = inherited.get(info["job_class_string"], info["job_class_string"])
        return {"jobs_meta": infos}
