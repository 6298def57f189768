from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0003_dependencies'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='spelling',
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
    ]
