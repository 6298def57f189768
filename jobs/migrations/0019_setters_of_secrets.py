from django.db import migrations
from django.db.models import F


def owners(apps, schema_editor):
    """Secrets that are older than the note of who set them are taken for those of the owner."""
    Job = apps.get_model("jobs", "Job")
    Job.objects.filter(secrets_by=None).exclude(owner=None).update(secrets_by=F("owner"))


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0018_suspended_code'),
    ]

    operations = [
        migrations.RunPython(owners, migrations.RunPython.noop),
    ]
