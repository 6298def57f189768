"""Jobs that are paused already: what they miss counts since their last change, from before which the schedule is not known."""

from __future__ import annotations

import datetime as dt
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def begin(apps: Any, schema_editor: Any) -> None:
    Stretch = apps.get_model("jobs", "Stretch")
    today = dt.datetime.now(dt.UTC).date()
    for pause in apps.get_model("jobs", "Pause").objects.filter(ended_at=None).select_related("job").iterator():
        job = pause.job
        Stretch.objects.create(
            job=job,
            why="ended" if pause.by_id is None and job.end_date and job.end_date < today else "paused",
            by_id=pause.by_id,
            text=pause.reason,
            first=max(pause.since, job.updated_at),
        )


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0008_job_description'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Stretch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('why', models.CharField(choices=[('paused', 'Paused'), ('ended', 'Ended'), ('broken', 'Broken')], max_length=6)),
                ('text', models.TextField(blank=True)),
                ('first', models.DateTimeField()),
                ('segments', models.JSONField(default=list)),
                ('due', models.DateTimeField(null=True)),
                ('until', models.DateTimeField(db_index=True, null=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='stretches', to='jobs.job')),
            ],
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
