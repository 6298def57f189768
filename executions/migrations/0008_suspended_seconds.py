from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executions", "0007_clock_of_a_process")]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="suspended_seconds",
            field=models.FloatField(db_default=0.0, default=0.0),
        ),
    ]
