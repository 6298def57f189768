from django.db import migrations


class Migration(migrations.Migration):
    """`Mark` is a `Watermark`: in the code alone."""

    contracts = "nothing of the database changes: the table keeps its name"
    dependencies = [("executions", "0026_names_of_alert_rows")]

    operations = [
        migrations.AlterModelTable("mark", "executions_mark"),
        migrations.RenameModel("Mark", "Watermark"),
    ]
