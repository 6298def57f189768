"""Jobs whose end date has passed or is near: who is notified, and when."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from executions.alerting import alert_texts
from executions.alerting.recipients import about_job, mention_of, people_of
from executions.ledger.error_isolation import each
from executions.models import AlertCondition
from jobs.models import Job
from notifications.delivery.outbox import admins, fan_out, post
from notifications.messages import Message
from notifications.models import Alert

Event = Alert.Event
WEEK = AlertCondition.Kind.WEEK
SOON = dt.timedelta(days=30)
REMINDER_HOUR = 9


def auto_paused(job: Job, now: dt.datetime) -> None:
    """Tells a job's owner, the admins and Slack that it was paused because its last day is over."""
    mention = mention_of(job)
    message = alert_texts.auto_paused(job, mention)
    _tell_people(job, f"auto_paused:{job.uid}:{job.end_date}", Event.AUTO_PAUSED, message, now)


def remind(now: dt.datetime) -> None:
    """On Mondays from 09:00 of the scheduler's zone, once a week: the jobs whose last day is within 30 days."""
    local = now.astimezone(ZoneInfo(settings.SCHEDULER_TIMEZONE))
    if local.weekday() or local.hour < REMINDER_HOUR:
        return
    week = f"week {local:%G-%V}"
    if AlertCondition.objects.filter(subject=week, kind=WEEK).exists():
        return
    with transaction.atomic():
        _mark, mine = AlertCondition.objects.get_or_create(
            subject=week, kind=WEEK, defaults={"since": now, "told_at": now}
        )
        if not mine:
            return
        AlertCondition.objects.filter(kind=WEEK).exclude(subject=week).delete()
        date = local.date()
        ending = Job.objects.filter(end_date__gte=date, end_date__lte=date + SOON)

        @transaction.atomic
        def tell(key: int) -> None:
            job = ending.select_related("team", "owner").get(pk=key)
            message = alert_texts.ending_soon(job, mention_of(job))
            _tell_people(job, f"ending:{job.uid}:{week}", Event.ENDING_SOON, message, now)

        each(ending.order_by("end_date", "pk").values_list("pk", flat=True), tell, "reminding")


def _tell_people(job: Job, key: str, event: Alert.Event, message: Message, now: dt.datetime) -> None:
    about = about_job(job)
    people = people_of(job, admins())
    post(fan_out(key, event, message, now, people=people, about=about))
