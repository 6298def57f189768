from django.db import migrations, models
from django.db.models import Q

from scheduler_site.lib.database.migrations import AddIndexConcurrently


def has(column):
    return Q(**{f"{column}__isnull": False})


RUN = "execution"


class Migration(migrations.Migration):
    """The new indexes, beside the old ones, which go in the next migration."""

    atomic = False
    dependencies = [("executions", "0022_definitions")]

    operations = [
        AddIndexConcurrently(RUN, models.Index(fields=["job", "due_at"], name="execution_of_job")),
        AddIndexConcurrently(RUN, models.Index(fields=["due_at"], name="execution_when")),
        AddIndexConcurrently(RUN, models.Index(fields=["category", "due_at"], name="execution_of_category")),
        AddIndexConcurrently(
            RUN,
            models.Index(fields=["state", "due_at"], name="execution_in_state"),
            on_postgres=~Q(state="success"),
        ),
        AddIndexConcurrently(
            RUN,
            models.Index(fields=["job", "state"], name="execution_open"),
            on_postgres=Q(state__in=("queued", "running")),
        ),
        AddIndexConcurrently(
            RUN,
            models.Index(fields=["next_attempt_at"], name="execution_retry", condition=has("next_attempt_at")),
        ),
        AddIndexConcurrently(
            RUN,
            models.Index(
                fields=["requested_by", "due_at"], name="execution_asked", condition=has("requested_by")
            ),
        ),
        AddIndexConcurrently(
            RUN,
            models.Index(
                fields=["started_at", "due_at"], name="execution_started", condition=has("started_at")
            ),
        ),
        AddIndexConcurrently(
            RUN, models.Index(fields=["blocked_by"], name="execution_blocked", condition=has("blocked_by"))
        ),
    ]
