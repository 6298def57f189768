from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name=name,
            name="texts",
            field=models.JSONField(blank=True, default=list, editable=False),
        )
        for name in ("alert", "notification")
    ]
