"""Jobs that are here already go on as before: a class that returns a code other than 0 has succeeded."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def keep(apps: Any, schema_editor: Any) -> None:
    jobs = apps.get_model("jobs", "Job").objects.filter(kind="python_class")
    for pk, options in jobs.values_list("pk", "options").iterator():
        if "fail_on_exit_code" not in options:
            jobs.filter(pk=pk).update(options=options | {"fail_on_exit_code": False})


class Migration(migrations.Migration):
    dependencies = [("jobs", "0006_baselines")]

    operations = [migrations.RunPython(keep, migrations.RunPython.noop)]
