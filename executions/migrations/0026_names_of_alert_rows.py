from django.db import migrations, models


KINDS = [
    ("late", "late"),
    ("missed", "missed"),
    ("overrun", "exceeded expected duration"),
    ("slow", "took longer than usual"),
    ("quick", "took less time than usual"),
    ("memory", "used more memory than usual"),
    ("blocked", "due times skipped"),
    ("silent", "not responding"),
    ("week", "weekly reminder"),
]


class Migration(migrations.Migration):
    """`Untold` is a `PendingAlert`, `Watch` an `AlertCondition` and its `clock` a `kind`: in the code alone."""

    contracts = "nothing of the database changes: tables, columns and the constraint keep their names"
    dependencies = [("executions", "0025_totals")]

    operations = [
        migrations.AlterModelTable("untold", "executions_untold"),
        migrations.RenameModel("Untold", "PendingAlert"),
        migrations.AlterModelTable("watch", "executions_watch"),
        migrations.RenameModel("Watch", "AlertCondition"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("alertcondition", "one_watch_per_clock"),
                migrations.RenameField("alertcondition", "clock", "kind"),
                migrations.AlterField(
                    "alertcondition",
                    "kind",
                    models.CharField(choices=KINDS, db_column="clock", max_length=8),
                ),
                migrations.AddConstraint(
                    "alertcondition",
                    models.UniqueConstraint(fields=["subject", "kind"], name="one_watch_per_clock"),
                ),
            ]
        ),
    ]
