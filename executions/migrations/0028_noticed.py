from django.db import migrations

from scheduler_site.lib.database.migrations import index_on_postgres


class Migration(migrations.Migration):
    """What became of due times without a proper run, by when that was decided: the figures of the last day ask for it."""

    atomic = False
    dependencies = [("executions", "0027_watermarks")]

    operations = [
        index_on_postgres(
            "execution_noticed",
            "executions_execution (state, finished_at) WHERE state IN ('lost', 'missed', 'skipped')",
        ),
    ]
