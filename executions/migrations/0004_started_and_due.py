from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executions", "0003_followers_and_keys")]

    operations = [
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(fields=["started_at", "due_at"], name="execution_started_due"),
        ),
        migrations.RemoveIndex(model_name="execution", name="execution_started"),
    ]
