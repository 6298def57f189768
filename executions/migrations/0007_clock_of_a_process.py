from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executions", "0006_measurements_and_artifacts")]

    operations = [
        migrations.AddField(
            model_name="heartbeat",
            name="ahead",
            field=models.FloatField(db_default=0.0, default=0.0),
        ),
    ]
