"""The categories that clients of the native API expect to find (v2 wire facts, 10)."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

NAMES = {
    "general": "General",
    "regression": "Regression",
    "dr-testing": "DR Testing",
    "feature-testing": "Feature Testing",
    "prod-canary": "Prod/Canary",
    "refund": "Refund",
    "backward-compatibility": "Backward Compatibility",
}


def seed(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    category = apps.get_model("accounts", "Category")
    for slug, name in NAMES.items():
        category.objects.get_or_create(slug=slug, defaults={"name": name})


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
