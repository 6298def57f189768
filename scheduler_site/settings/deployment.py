"""Settings of the deployment: directories, host and port, base path, keys."""

from __future__ import annotations

import re
from pathlib import Path

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

from scheduler_site.lib import env
from scheduler_site.running import installation

# Lets generic Django classes be written with their types, as in ModelForm[Job].
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parents[2]
# Variables may also be written into a file; what the environment says goes first.
environ.Env.read_env(BASE_DIR / ".env")
VERSION = "0.1.0"

DEPLOYMENT = env.choice("DEPLOYMENT", "local", ("local", "production"))
PRODUCTION = DEPLOYMENT == "production"
DEBUG = env.boolean("DEBUG", default=False)
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var"))).resolve()
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, low=1, high=65535)
# Where Belfry is below another site's root: /belfry.
BASE_PATH = env.text("BASE_PATH").rstrip("/")
if not re.match(r"(/[A-Za-z0-9._~-]+)*\Z", BASE_PATH) or {".", ".."} & set(BASE_PATH.split("/")):
    raise ImproperlyConfigured(f"BASE_PATH={BASE_PATH} is no path. Example: /belfry.")
FORCE_SCRIPT_NAME = BASE_PATH or None
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "" if PRODUCTION else "127.0.0.1,localhost,[::1],testserver")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
SECRET_KEY = env.secret("SECRET_KEY")
if not SECRET_KEY and PRODUCTION:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. In production it must be: 50 or more random characters."
    )
SECRET_KEY = SECRET_KEY or installation.secret_key(DATA_DIR)
# Stored secrets are encrypted with the first key and read with any of them, so that keys can be rotated.
ENCRYPTION_KEYS = env.words("ENCRYPTION_KEYS") or [SECRET_KEY]
ALLOW_DEFAULT_ADMIN = env.boolean("ALLOW_DEFAULT_ADMIN", default=not PRODUCTION)
EXPOSE_ERROR_DETAILS = env.boolean("EXPOSE_ERROR_DETAILS", default=not PRODUCTION)
THEMES_ENABLED = env.boolean("THEMES_ENABLED", default=True)
