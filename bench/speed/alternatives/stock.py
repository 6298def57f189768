"""Stock django-celery-beat, `celery -A bench.speed.alternatives.stock beat`, and its jobs:

`python -m bench.speed.alternatives.stock fill DUE TOTAL MINUTE NOTES`   TOTAL jobs, DUE of them at MINUTE of every hour
`python -m bench.speed.alternatives.stock edit NOTES`                    makes one of them due every second
"""

from __future__ import annotations

import os
import sys
import time
from zoneinfo import ZoneInfo

import django
from celery import Celery

app = Celery("stock", broker=os.environ.get("BENCH_BROKER"))
app.conf.update(
    worker_hijack_root_logger=False, beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler"
)


def fill(due: int, total: int, minute: int, notes: str) -> None:
    """The jobs that are not due have 60 distinct cron expressions, all 15 to 44 minutes after `minute`."""
    from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks

    for model in (PeriodicTask, CrontabSchedule, IntervalSchedule):
        model.objects.all().delete()
    zone = ZoneInfo("UTC")
    at = CrontabSchedule.objects.create(minute=str(minute), timezone=zone)
    far = [
        CrontabSchedule.objects.create(minute=str((minute + 15 + step) % 60), hour=hours, timezone=zone)
        for step in range(30)
        for hours in ("*", "0-23")
    ]
    PeriodicTask.objects.bulk_create(
        (
            PeriodicTask(
                name=f"job {number}", task="bench.noop", args=f'["{notes}"]', queue="stock",
                crontab=at if number < due else far[number % len(far)],
            )
            for number in range(total)
        ),
        batch_size=5000,
    )  # fmt: skip
    PeriodicTasks.update_changed()


def edit(notes: str) -> None:
    """Of the last one, as somebody would who saves it; prints when it was stored (seconds since 1970)."""
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    task = PeriodicTask.objects.filter(task="bench.noop").order_by("pk").last()
    task.crontab, task.interval = None, IntervalSchedule.objects.create(every=1, period="seconds")
    task.args = f'["{notes}"]'
    task.save()
    print(time.time())


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "fill":
        due_count, count, at_minute = map(int, sys.argv[2:5])
        fill(due_count, count, at_minute, sys.argv[5])
    else:
        edit(sys.argv[2])
