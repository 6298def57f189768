"""Everything that differs between installations comes from the environment.

The variables are described in docs/configuration.md. A value that makes no sense is refused at start (lib/env.py),
a combination that is unsafe is refused by the system checks (checks/deployment.py).
"""

from __future__ import annotations

from typing import Any

from scheduler_site.lib import env, logs
from scheduler_site.lib.database import address
from scheduler_site.settings.accounts_and_api import *  # noqa: F403
from scheduler_site.settings.deployment import *  # noqa: F403
from scheduler_site.settings.deployment import (
    BASE_DIR,
    BASE_PATH,
    DATA_DIR,
    DEBUG,
    PRODUCTION,
    THEMES_ENABLED,
)
from scheduler_site.settings.workers import *  # noqa: F403

# The house -------------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "audit",
    "accounts",
    "notifications",
    "incidents",
    "environments",
    "jobs",
    "executions",
    "compat",
    *(["themes"] if THEMES_ENABLED else []),
    "scheduler_site",
    # Without its own search for admin modules: only the web needs them, and its urls look for them.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    # Swagger UI and Redoc, served by ourselves.
    "drf_spectacular_sidecar",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
]

# MariaDB has no indexes of some rows only, and makes them of all: that is what is wanted there.
SILENCED_SYSTEM_CHECKS = ["models.W037"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "scheduler_site.middleware.SecurityHeadersMiddleware",
    "scheduler_site.middleware.CompressedPagesMiddleware",
    "compat.ndscheduler.preflight.SignInPreflightMiddleware",
    "compat.ndscheduler.preflight.PreflightMiddleware",
    "scheduler_site.middleware.LengthRequiredMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "scheduler_site.middleware.LanguageMiddleware",
    "scheduler_site.middleware.OtherSlashMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.SlidingSessionMiddleware",
    "accounts.middleware.KeptFormMiddleware",
]

ROOT_URLCONF = "scheduler_site.urls"
WSGI_APPLICATION = "scheduler_site.wsgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "scheduler_site.context.site",
                "accounts.context.accounts",
                "notifications.context.notifications",
                "incidents.context.incidents",
                "executions.context.banner",
            ],
        },
    }
]

STATIC_URL = f"{BASE_PATH}/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "scheduler_site.static_files.StaticStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG

# The database ----------------------------------------------------------------------------------------------------------

DATABASE_URL = env.secret("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'belfry.sqlite3'}"
DATABASE_STATEMENT_TIMEOUT = env.integer("DATABASE_STATEMENT_TIMEOUT", 30, low=1, high=3600)
DATABASES = {"default": address.configured(DATABASE_URL, DATABASE_STATEMENT_TIMEOUT, DATA_DIR)}

# Language and time -----------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hant", "繁體中文"), ("zh-hans", "简体中文"), ("ja", "日本語")]
# What goes to Slack, and by mail to addresses whose owners have not chosen a language on the pages.
ALERT_LANGUAGE = env.choice("ALERT_LANGUAGE", "en", tuple(code for code, _name in LANGUAGES))
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Logs: one line per event ----------------------------------------------------------------------------------------------

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "json" if PRODUCTION else "line", ("line", "json"))
LOGGING = logs.configured(LOG_LEVEL, LOG_FORMAT)
