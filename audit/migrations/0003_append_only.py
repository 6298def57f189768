"""Gives entries of jobs, written before entries had one, the id that their object is known by; then keeps all as they are."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import OperationalError, migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from audit import append_only


def name_jobs(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if "jobs_job" in connection.introspection.table_names(cursor):
            cursor.execute(
                "UPDATE audit_entry SET object_uid = (SELECT uid FROM jobs_job WHERE jobs_job.id = object_id) "
                "WHERE object_type = 'job' AND object_uid IS NULL"
            )


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    try:
        append_only.install(schema_editor.connection)
    except OperationalError:
        # MySQL with a binary log wants a right that an account for one database seldom has; audit.W001 tells of it.
        if schema_editor.connection.vendor != "mysql":
            raise


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    append_only.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_chain_and_versions")]
    operations = [
        migrations.RunPython(name_jobs, migrations.RunPython.noop),
        migrations.RunPython(install, remove),
    ]
