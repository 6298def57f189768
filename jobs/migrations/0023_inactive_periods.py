import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """`Stretch` is an `InactivePeriod`: in the code alone."""

    contracts = "nothing of the database changes: the table keeps its name"
    dependencies = [("jobs", "0022_plain_names")]

    operations = [
        migrations.AlterModelTable("stretch", "jobs_stretch"),
        migrations.RenameModel("Stretch", "InactivePeriod"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "inactiveperiod",
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inactive_periods",
                        to="jobs.job",
                    ),
                )
            ]
        ),
    ]
