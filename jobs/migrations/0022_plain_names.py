from django.db import migrations, models


class Migration(migrations.Migration):
    """Columns and tables whose names in the code say what they are; in the database they keep the old ones."""

    contracts = "nothing of the database changes: tables and columns keep their names"
    dependencies = [("jobs", "0021_destinations")]

    operations = [
        migrations.AlterModelTable("mutex", "jobs_mutex"),
        migrations.RenameModel("Mutex", "NamedLock"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("job", "spelling", "client_form"),
                migrations.AlterField(
                    "job",
                    "client_form",
                    models.JSONField(blank=True, db_column="spelling", default=dict, editable=False),
                ),
                migrations.RenameField("job", "unsettled", "pending_segments"),
                migrations.AlterField(
                    "job",
                    "pending_segments",
                    models.JSONField(blank=True, db_column="unsettled", default=list, editable=False),
                ),
                migrations.RenameField("job", "broken", "quarantine_reason"),
                migrations.AlterField(
                    "job",
                    "quarantine_reason",
                    models.TextField(
                        blank=True,
                        db_column="broken",
                        editable=False,
                        help_text="Why the schedule is invalid.",
                        verbose_name="invalid schedule",
                    ),
                ),
            ]
        ),
    ]
