import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('executions', '0020_counted_logs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BulkAction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('verb', models.CharField(choices=[('run', 'Run'), ('pause', 'Pause'), ('resume', 'Resume'), ('owner', 'Change owner'), ('team', 'Change team'), ('category', 'Change category'), ('delete', 'Delete')], max_length=8)),
                ('state', models.CharField(choices=[('planned', 'preview'), ('running', 'in progress'), ('done', 'finished'), ('stopped', 'cancelled')], default='planned', max_length=8)),
                ('options', models.JSONField(default=dict)),
                ('query', models.CharField(blank=True, max_length=400)),
                ('keys', models.JSONField(default=list)),
                ('total', models.PositiveIntegerField(default=0)),
                ('done', models.PositiveIntegerField(default=0)),
                ('surface', models.CharField(max_length=16)),
                ('address', models.GenericIPAddressField(null=True)),
                ('operator', models.CharField(blank=True, max_length=150)),
                ('language', models.CharField(blank=True, max_length=10)),
                ('created_at', models.DateTimeField(db_index=True)),
                ('began_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('busy_until', models.DateTimeField(null=True)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='BulkResult',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.PositiveIntegerField()),
                ('job_uid', models.UUIDField(null=True)),
                ('job_name', models.CharField(blank=True, max_length=200)),
                ('outcome', models.CharField(choices=[('done', 'done'), ('unchanged', 'nothing to change'), ('refused', 'refused'), ('gone', 'no longer there'), ('error', 'error')], max_length=9)),
                ('text', models.CharField(blank=True, max_length=500)),
                ('action', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='results', to='executions.bulkaction')),
            ],
        ),
        migrations.AddIndex(
            model_name='bulkaction',
            index=models.Index(fields=['state', 'busy_until'], name='bulk_action_state'),
        ),
        migrations.AddConstraint(
            model_name='bulkresult',
            constraint=models.UniqueConstraint(fields=('action', 'place'), name='one_result_per_place'),
        ),
    ]
