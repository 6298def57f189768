from django.db import migrations, models

from scheduler_site.lib.database.migrations import AddIndexConcurrently


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ('notifications', '0005_mails_per_hour'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='alert',
            index=models.Index(fields=['delivered_at'], name='alert_delivered'),
        ),
    ]
