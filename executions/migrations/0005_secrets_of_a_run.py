from django.db import migrations

import scheduler_site.lib.encrypted


class Migration(migrations.Migration):
    dependencies = [("executions", "0004_started_and_due")]

    operations = [
        migrations.AddField(
            model_name="execution",
            name="secrets",
            field=scheduler_site.lib.encrypted.EncryptedJSONField(blank=True, default=dict, editable=False),
        ),
    ]
