from django.db import migrations

from scheduler_site.lib.database.migrations import index_on_postgres


class Migration(migrations.Migration):
    """Jobs that pages look for among all jobs, and that are few: paused ones, broken ones, those that end."""

    atomic = False
    dependencies = [
        ("jobs", "0023_inactive_periods"),
        ("django_celery_beat", "0001_initial"),
    ]

    operations = [
        index_on_postgres("job_paused", "django_celery_beat_periodictask (id) WHERE NOT enabled"),
        index_on_postgres("job_broken", "jobs_job (name) WHERE NOT (broken = '')"),
        index_on_postgres("job_ends", "jobs_job (end_date) WHERE end_date IS NOT NULL"),
    ]
