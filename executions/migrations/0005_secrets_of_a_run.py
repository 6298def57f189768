from django.db import migrations

import scheduler_site.encrypted


class Migration(migrations.Migration):
    dependencies = [("executions", "0004_started_and_due")]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="secrets",
            field=scheduler_site.encrypted.EncryptedJSONField(blank=True, default=dict, editable=False),
        ),
    ]
