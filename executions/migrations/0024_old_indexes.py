import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from scheduler_site.lib.database.migrations import DropFieldIndexConcurrently, OnPostgres, RemoveIndexConcurrently


def key(to, **options):
    return models.ForeignKey(to=to, db_index=False, **options)


def unique_where(name, what):
    """A unique index of some rows in the place of a constraint of all of them; the other databases have no need or no means.

    Two NULLs are never the same, so the one refuses what the other does.
    """
    table = "executions_execution"
    yield OnPostgres(
        # Done twice, it does nothing.
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}_new",
        f"CREATE UNIQUE INDEX CONCURRENTLY {name}_new ON {table} {what}",
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}",
        f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
        f"ALTER INDEX {name}_new RENAME TO {name}",
    )


RUN = "execution"
SET_NULL = {"null": True, "on_delete": django.db.models.deletion.SET_NULL}


class Migration(migrations.Migration):
    """What each row has paid for without a question that needs it, or that the indexes of the migration before answer."""

    atomic = False
    contracts = "Only indexes go: the release before asks the same, and finds its answers by the new ones."
    dependencies = [("executions", "0023_fewer_indexes")]

    operations = [
        *(
            RemoveIndexConcurrently(RUN, f"execution_{name}")
            for name in ("job", "state", "due", "job_state", "category", "next_attempt", "started_due")
        ),
        # Almost no row has a value in these, and each paid for saying so. The names stay.
        *unique_where("one_follower_per_run", "(caused_by_id, job_id) WHERE caused_by_id IS NOT NULL"),
        *unique_where("executions_execution_busy_key", "(busy) WHERE busy IS NOT NULL"),
        DropFieldIndexConcurrently(RUN, "job", key("jobs.job", related_name="executions", **SET_NULL)),
        DropFieldIndexConcurrently(
            RUN,
            "category",
            key("accounts.category", on_delete=django.db.models.deletion.PROTECT, related_name="+"),
        ),
        DropFieldIndexConcurrently(
            RUN, "requested_by", key(settings.AUTH_USER_MODEL, related_name="+", **SET_NULL)
        ),
        DropFieldIndexConcurrently(RUN, "blocked_by", key("executions.execution", related_name="+", **SET_NULL)),
    ]
