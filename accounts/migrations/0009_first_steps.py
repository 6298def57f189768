"""Whether an administrator has put away the list of first steps."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_display_zone")]

    operations = [
        migrations.AddField(
            "preferences",
            "first_steps_dismissed",
            models.BooleanField(db_default=False, default=False),
        ),
    ]
