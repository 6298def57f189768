"""The settings of stock django-celery-beat: nothing but its tables. Its database comes from BENCH_STOCK (a port)."""

from __future__ import annotations

import os

SECRET_KEY = "nothing is signed here"
INSTALLED_APPS = ["django_celery_beat"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": os.environ.get("BENCH_STOCK", ""),
        "NAME": "stock",
        "USER": "belfry",
        # In its favour: by default the scheduler connects anew for every entry that it sends.
        "CONN_MAX_AGE": None,
    }
}
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
