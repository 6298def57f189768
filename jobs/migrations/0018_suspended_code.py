import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def made_by_commands(apps, schema_editor):
    """Code that has no owner although nobody's account was deleted: a command of the server made it, and it runs on."""
    Job, Entry = apps.get_model("jobs", "Job"), apps.get_model("audit", "Entry")
    ownerless = Job.objects.filter(owner=None)
    for job in ownerless.only("pk", "uid"):
        made = Entry.objects.filter(object_uid=job.uid, event="added").order_by("id").first()
        if made is None or made.actor_id is None:
            Job.objects.filter(pk=job.pk).update(by_installation=True)


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0017_places'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='by_installation',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name='job',
            name='code_suspended',
            field=models.CharField(blank=True, choices=[('inactive', "The owner's account is not active."), ('right', 'The owner may not run code.'), ('ownerless', 'The job has no owner any more.')], db_default='', default='', editable=False, max_length=10),
        ),
        migrations.AddField(
            model_name='job',
            name='secrets_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='stretch',
            name='why',
            field=models.CharField(choices=[("paused", "Paused"), ("ended", "Ended"), ("broken", "Broken"), ("owner", "Owner"), ("held", "Held")], max_length=6),
        ),
        migrations.RunPython(made_by_commands, migrations.RunPython.noop),
    ]
