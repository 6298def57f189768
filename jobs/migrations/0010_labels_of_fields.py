# Labels only: no statement of the database.

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0009_stretches'),
    ]

    operations = [
        migrations.AlterField(
            model_name='job',
            name='enable_email_notifications',
            field=models.BooleanField(default=False, verbose_name='Enable email notifications'),
        ),
        migrations.AlterField(
            model_name='job',
            name='notification_emails',
            field=models.JSONField(blank=True, default=list, verbose_name='E-mail addresses'),
        ),
        migrations.AlterField(
            model_name='job',
            name='notify_on_success',
            field=models.BooleanField(default=False, verbose_name='Notify on success'),
        ),
    ]
