from django.db import migrations

from scheduler_site.lib.database.migrations import index_on_postgres


class Migration(migrations.Migration):
    """They are few, and the dashboard asks for them."""

    atomic = False
    dependencies = [("jobs", "0024_rare_jobs")]

    operations = [
        index_on_postgres("job_of_nobody", "jobs_job (name) WHERE owner_id IS NULL AND NOT by_installation"),
    ]
