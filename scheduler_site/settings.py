"""One settings file; everything that differs between installations comes from the environment.

The variables are described in docs/configuration.md. A value that makes no sense is refused at start (lib/env.py),
a combination that is unsafe is refused by the system checks (checks/deployment.py).
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import django_stubs_ext
import environ
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from scheduler_site.lib import databases, env, logs
from scheduler_site.running import installation

# Lets generic Django classes be written with their types, as in ModelForm[Job].
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
# Variables may also be written into a file; what the environment says goes first.
environ.Env.read_env(BASE_DIR / ".env")
VERSION = "0.1.0"

# Where it runs ---------------------------------------------------------------------------------------------------------

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

# The house -------------------------------------------------------------------------------------------------------------

THEMES_ENABLED = env.boolean("THEMES_ENABLED", default=True)

INSTALLED_APPS = [
    "audit",
    "accounts",
    "notifications",
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

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "scheduler_site.middleware.SecurityHeadersMiddleware",
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
    "scheduler_site.middleware.SlidingSessionMiddleware",
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
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG

# The database ----------------------------------------------------------------------------------------------------------

DATABASE_URL = env.secret("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'belfry.sqlite3'}"
DATABASE_STATEMENT_TIMEOUT = env.integer("DATABASE_STATEMENT_TIMEOUT", 30, low=1, high=3600)
DATABASES = {"default": databases.configured(DATABASE_URL, DATABASE_STATEMENT_TIMEOUT, DATA_DIR)}

# Broker, cache, workers ------------------------------------------------------------------------------------------------

RUNTIME_DIR = installation.short_directory(DATA_DIR)
EMBEDDED_REDIS_SOCKET = RUNTIME_DIR / "redis.sock"
REDIS_URL = env.secret("REDIS_URL")
EMBEDDED_REDIS = not REDIS_URL
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL or f"unix://{EMBEDDED_REDIS_SOCKET}",
        "KEY_PREFIX": "belfry",
        "OPTIONS": {
            "serializer": "scheduler_site.lib.cache.JSONSerializer",
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
        },
    }
}

CELERY_BROKER_URL = env.secret("CELERY_BROKER_URL") or REDIS_URL or f"redis+socket://{EMBEDDED_REDIS_SOCKET}"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 4
CELERY_BROKER_HEARTBEAT = 20
# A hung broker must not hang a publisher: every socket call has a deadline.
# One more try at once when it is away; the reconciler tries again later, a request does not wait for that.
_retries = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = _retries | (
    {"socket_timeout": 5, "socket_connect_timeout": 4, "socket_keepalive": True, "health_check_interval": 20}
    if CELERY_BROKER_URL.startswith("redis")
    else {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10}
)
# A run goes on when the connection is lost: its outcome goes to the database, not to the broker.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
# RabbitMQ closes the channel of a worker in whose hands a message has waited for `consumer_timeout` because all slots were
# busy. The messages go back to their queue; the worker opens a new channel instead of ending.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "system"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# After a reconnection Celery would raise the prefetch count again from the pool's threads: on RabbitMQ these read replies
# from the consumer's own socket, and the worker stands still until the broker misses its heartbeats.
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# How long a worker that does not reach the database goes on with its runs; 45 s after its last word others count them as lost.
WORKER_ALONE_SECONDS = env.integer("WORKER_ALONE_SECONDS", 600, low=45, high=86400)
# How long runs may continue when their worker is stopped; then they are stopped and count as lost.
WORKER_SHUTDOWN_SECONDS = env.integer("WORKER_SHUTDOWN_SECONDS", 10, low=0, high=7 * 86400)
# What is left after that to stop them and to write it down; two seconds later the worker is killed.
WORKER_ENDING_SECONDS = 13
# How long `manage.py up` waits for its workers when it is stopped; then it leaves those that have runs to themselves. 0: never.
HANDOVER_SECONDS = env.integer("HANDOVER_SECONDS", 0, low=0, high=3600)
CELERY_BEAT_SCHEDULE = {"belfry prune": {"task": "executions.upkeep.prune", "schedule": timedelta(hours=1)}}
# Celery closes the connection after every task otherwise; the ledger checks its health before use.
CELERY_DB_REUSE_MAX = 1_000_000
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "executions.beat:JobScheduler"

# Jobs ------------------------------------------------------------------------------------------------------------------

SCHEDULER_ENABLED = env.boolean("SCHEDULER_ENABLED", default=True)
SCHEDULER_TIMEZONE = env.text("SCHEDULER_TIMEZONE", "Asia/Tokyo")
try:
    ZoneInfo(SCHEDULER_TIMEZONE)
except (KeyError, ValueError) as error:
    raise ImproperlyConfigured(
        f"SCHEDULER_TIMEZONE={SCHEDULER_TIMEZONE} is no time zone. Example: Europe/Berlin."
    ) from error
JOB_END_DATE_POLICY = env.choice("JOB_END_DATE_POLICY", "default", ("default", "required", "optional"))
JOB_PIC_TEAM_REQUIRED = env.boolean("JOB_PIC_TEAM_REQUIRED", default=False)
BULK_UPLOAD_MAX_BYTES = env.integer("BULK_UPLOAD_MAX_BYTES", 5 * 1024 * 1024, low=1024, high=1024**3)
BULK_UPLOAD_MAX_ROWS = env.integer("BULK_UPLOAD_MAX_ROWS", 2000, low=1, high=1_000_000)
JOB_CLASS_PACKAGES = env.words(
    "JOB_CLASS_PACKAGES", "jobs.classes,themes.jobs" if THEMES_ENABLED else "jobs.classes"
)
# Names of classes that jobs inherited from other systems carry, and the classes that run for them.
JOB_CLASS_ALIASES = {
    "simple_scheduler.jobs.apns_job.APNSJob": "jobs.classes.apns.APNSJob",
    "simple_scheduler.jobs.curl_job.CurlJob": "jobs.classes.curl.CurlJob",
    "simple_scheduler.jobs.python_job.PythonJob": "jobs.classes.python.PythonJob",
    "simple_scheduler.jobs.sample_job.AwesomeJob": "jobs.classes.sample.AwesomeJob",
    "simple_scheduler.jobs.shell_job.ShellJob": "jobs.classes.shell.ShellJob",
    "simple_scheduler.jobs.slack_job.SlackJob": "jobs.classes.slack.SlackJob",
} | env.pairs("JOB_CLASS_ALIASES")
JOB_CLASS_ENV = env.words(
    "JOB_CLASS_ENV", "SIMPLE_SCHEDULER_SLACK_URL,APNS_CERT_PATH,APNS_TOPIC,THEMES_URL,PORT"
)
# How much one account, category or job may take up; 0: any (jobs/quotas.py, executions/ledger/quotas.py).
JOBS_PER_ACCOUNT = env.integer("JOBS_PER_ACCOUNT", 10_000, low=0, high=10**7)
JOBS_PER_CATEGORY = env.integer("JOBS_PER_CATEGORY", 50_000, low=0, high=10**7)
JOB_METADATA_MAX_BYTES = env.integer("JOB_METADATA_MAX_BYTES", 64 * 1024, low=0, high=2**30)
JOB_OPTIONS_MAX_BYTES = env.integer("JOB_OPTIONS_MAX_BYTES", 128 * 1024, low=0, high=2**30)
JOB_SECRETS_MAX_BYTES = env.integer("JOB_SECRETS_MAX_BYTES", 64 * 1024, low=0, high=2**30)
JOB_RECIPIENTS = env.integer("JOB_RECIPIENTS", 50, low=0, high=10_000)
LAUNCHES_PER_MINUTE = env.integer("LAUNCHES_PER_MINUTE", 3000, low=0, high=10**6)
RUNS_AT_ONCE_PER_ACCOUNT = env.integer("RUNS_AT_ONCE_PER_ACCOUNT", 2000, low=0, high=10**6)
RUNS_AT_ONCE_PER_CATEGORY = env.integer("RUNS_AT_ONCE_PER_CATEGORY", 4000, low=0, high=10**6)
STARTS_PER_MINUTE_PER_ACCOUNT = env.integer("STARTS_PER_MINUTE_PER_ACCOUNT", 10_000, low=0, high=10**6)
STARTS_PER_MINUTE_PER_CATEGORY = env.integer("STARTS_PER_MINUTE_PER_CATEGORY", 20_000, low=0, high=10**6)
MAILS_PER_HOUR_PER_JOB = env.integer("MAILS_PER_HOUR_PER_JOB", 60, low=0, high=10**6)
MAILS_PER_HOUR_PER_ACCOUNT = env.integer("MAILS_PER_HOUR_PER_ACCOUNT", 600, low=0, high=10**6)
WEBHOOK_ALLOWED_HOSTS = env.words("WEBHOOK_ALLOWED_HOSTS")
EXECUTION_RETENTION_DAYS = env.integer("EXECUTION_RETENTION_DAYS", 90, low=1, high=36500)
WORKER_CODE_SLOTS = env.integer("WORKER_CODE_SLOTS", 8, low=1, high=512)
WORKER_IO_SLOTS = env.integer("WORKER_IO_SLOTS", 1000, low=1, high=20000)
DEFAULT_GITHUB_OWNER = env.text("DEFAULT_GITHUB_OWNER", "belfry")
# The token of jobs that have none of their own, and where it goes.
GITHUB_TOKEN = env.secret("GITHUB_TOKEN")
GITHUB_API_URL = env.text("GITHUB_API_URL", "https://api.github.com").rstrip("/")
if not re.match(r"https?://[^/?#@\s]+(/[^?#\s]*)?\Z", GITHUB_API_URL):
    raise ImproperlyConfigured(
        f"GITHUB_API_URL={GITHUB_API_URL} is no address. Example: https://github.example.com/api/v3."
    )

# Scripts and their environments ----------------------------------------------------------------------------------------

# Workers of code and of the system, and the web, must see the same directories.
ENVIRONMENTS_DIR = Path(env.text("ENVIRONMENTS_DIR", str(DATA_DIR / "environments"))).resolve()
ARTIFACTS_DIR = Path(env.text("ARTIFACTS_DIR", str(DATA_DIR / "artifacts"))).resolve()
# The default packages of new environments: auto is conda where a channel answers, else pypi.
ENVIRONMENT_BACKEND = env.choice("ENVIRONMENT_BACKEND", "auto", ("auto", "conda", "pypi"))
ENVIRONMENT_OPERATION_SECONDS = env.integer("ENVIRONMENT_OPERATION_SECONDS", 600, low=10, high=7200)
ENVIRONMENT_OPERATIONS_AT_ONCE = env.integer("ENVIRONMENT_OPERATIONS_AT_ONCE", 2, low=1, high=32)
CONDA_CHANNELS = env.words("CONDA_CHANNELS", "conda-forge")
CONDA_CHANNEL_ALIAS = env.text("CONDA_CHANNEL_ALIAS", "https://conda.anaconda.org").rstrip("/")
# What rattler reads credentials of channels from (rattler's own format), mode 0600.
CONDA_AUTH_FILE = env.text("CONDA_AUTH_FILE")
# An installed conda, mamba or micromamba, whose environments are shown and can be registered.
CONDA_EXE = env.text("CONDA_EXE")
# Empty: the index that pip is configured with.
PYPI_INDEX_URL = env.secret("PYPI_INDEX_URL")
# Scripts may be named by their path only below these directories.
SCRIPT_DIRECTORIES = env.words("SCRIPT_DIRECTORIES")
SCRIPT_MAX_BYTES = env.integer("SCRIPT_MAX_BYTES", 512 * 1024, low=1024, high=16 * 1024 * 1024)
LIMITS_OF_A_KIND = ("memory_mb", "cpu_seconds", "processes", "open_files", "file_size_mb")
# The account (and group) that the code of jobs and environments' operations runs as; empty: Belfry's own.
JOB_USER, JOB_GROUP = env.text("JOB_USER"), env.text("JOB_GROUP")
# What one run of code may use, all of its processes together: memory (usually half of what the machine has), processes,
# CPU time; and each of them: open files, the size of a file. 0: as much as there is.
_half = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**21
JOB_MEMORY_MB = env.integer("JOB_MEMORY_MB", max(_half, 256), low=0, high=2**24)
JOB_PROCESSES = env.integer("JOB_PROCESSES", 128, low=0, high=100_000)
JOB_CPU_SECONDS = env.integer("JOB_CPU_SECONDS", 0, low=0, high=10**9)
# A process is kept for each class of Python jobs in use, which has imported it (jobs/children/pool.py): at most so many in a
# worker, each for so long after its last run, and only while this much memory is free beside them.
JOB_CLASS_PROCESSES = env.integer("JOB_CLASS_PROCESSES", 8, low=0, high=1000)
JOB_CLASS_IDLE_SECONDS = env.integer("JOB_CLASS_IDLE_SECONDS", 600, low=1, high=86400)
JOB_CLASS_FREE_MB = env.integer("JOB_CLASS_FREE_MB", 512, low=0, high=2**20)
JOB_OPEN_FILES = env.integer("JOB_OPEN_FILES", 4096, low=16, high=2**20)
JOB_FILE_SIZE_MB = env.integer("JOB_FILE_SIZE_MB", 10_240, low=0, high=2**24)
# The same of one kind, where it is to have less: memory_mb=512,processes=20 (also cpu_seconds, open_files, file_size_mb).
JOB_LIMITS_OF_KINDS = {
    kind: env.numbers(f"JOB_LIMITS_{kind.upper()}", *LIMITS_OF_A_KIND) for kind in ("script", "python_class")
}
ARTIFACTS_MAX_BYTES = env.integer("ARTIFACTS_MAX_BYTES", 50 * 1024 * 1024, low=0, high=1024**4)
ARTIFACTS_MAX_FILES = env.integer("ARTIFACTS_MAX_FILES", 100, low=0, high=10_000)
FRONTEND_BASE_URL = env.text("FRONTEND_BASE_URL", f"http://localhost:{PORT}{BASE_PATH}").rstrip("/")

# Mail and Slack --------------------------------------------------------------------------------------------------------

MAIL_ENABLED = env.boolean("MAIL_ENABLED", default=True)
EMAIL_HOST = env.text("MAIL_SERVER")
EMAIL_PORT = env.integer("MAIL_PORT", 587, low=1, high=65535)
EMAIL_HOST_USER = env.text("MAIL_USERNAME")
EMAIL_HOST_PASSWORD = env.secret("MAIL_PASSWORD")
# TLS from the first byte excludes turning to it later.
EMAIL_USE_SSL = env.boolean("MAIL_USE_SSL", default=False)
EMAIL_USE_TLS = env.boolean("MAIL_USE_TLS", default=not EMAIL_USE_SSL)
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    raise ImproperlyConfigured("MAIL_USE_SSL and MAIL_USE_TLS exclude each other. Set one of them to false.")
EMAIL_BACKEND = "notifications.delivery.smtp.Backend"
# Seconds for all of a delivery; shorter than the time after which its process is taken for dead.
EMAIL_TIMEOUT = env.integer("MAIL_TIMEOUT", 30, low=1, high=90)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("MAIL_DEFAULT_SENDER", "noreply@cronjobscheduler.local")
# Recipients of mails about the system itself; by default the active administrators.
ALERT_EMAILS = env.words("ALERT_EMAILS")
SLACK_PLAIN_HOSTS = env.words("SLACK_PLAIN_HOSTS")
INBOX_EVERY_RUN = env.boolean("INBOX_EVERY_RUN", default=False)

# Who may ---------------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.roles.RoleBackend"]
LOGIN_URL = LOGOUT_REDIRECT_URL = f"{BASE_PATH}/login"
LOGIN_REDIRECT_URL = f"{BASE_PATH}/"
# Scrypt costs an attacker memory and a login a fraction of a second; older hashes are renewed at the next login.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    # Of accounts that came from elsewhere (docs/moving-from-ndscheduler.md).
    "accounts.hashers.InheritedBCrypt",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 6}},
]
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "belfry_session"
CSRF_COOKIE_NAME = "belfry_csrf"
# Sites beside this one, on the same host, are not sent its cookies.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = BASE_PATH or "/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.boolean("HTTPS", default=PRODUCTION)
# With one proxy in front, its headers for scheme and client address are trusted; without one, any client could send them.
BEHIND_PROXY = env.boolean("BEHIND_PROXY", default=False)
# Behind a proxy that speaks TLS, plain HTTP is led there; probes that come past the proxy are not.
SECURE_SSL_REDIRECT = env.boolean("SSL_REDIRECT", default=SESSION_COOKIE_SECURE and BEHIND_PROXY)
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(f'{BASE_PATH}/'[1:])}(healthz|api/(v2/)?health|metrics)$"]
# How long browsers refuse plain HTTP after they have been here (RFC 6797); 0: not said.
SECURE_HSTS_SECONDS = env.integer(
    "HSTS_SECONDS", 31_536_000 if PRODUCTION and SESSION_COOKIE_SECURE else 0, low=0, high=63_072_000
)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.boolean("HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# How many requests of one account may wait for the end of a run at the same time, in each web process.
WAITS_PER_ACCOUNT = env.integer("WAITS_PER_ACCOUNT", 20, low=0, high=10_000)
# Of a request, files apart. A script of the largest size fits in, though a browser sends two bytes for each line end, and JSON
# escapes what is not ASCII.
DATA_UPLOAD_MAX_MEMORY_SIZE = max(1024 * 1024, 2 * SCRIPT_MAX_BYTES)

# Browsers of other origins may call the API. With any origin (*) they send no credentials of the browser; named ones may.
CORS_ORIGINS = env.words("CORS_ORIGINS", "*")
CORS_ALLOW_ALL_ORIGINS = CORS_ORIGINS == ["*"]
CORS_ALLOWED_ORIGINS = [] if CORS_ALLOW_ALL_ORIGINS else CORS_ORIGINS
CORS_ALLOW_CREDENTIALS = not CORS_ALLOW_ALL_ORIGINS
_registry = "|themes|sub_themes|school-year[a-z-]*|course-entries|courses" if THEMES_ENABLED else ""
CORS_URLS_REGEX = rf"^/((api/|token/{_registry}).*|(login|logout|create_user)/?)$"
CORS_PREFLIGHT_MAX_AGE = 3600
CORS_ALLOW_HEADERS = (*default_headers, "idempotency-key", "x-operator-id", "x-operator-token")
CORS_EXPOSE_HEADERS = ("Idempotency-Replayed", "Retry-After")

OPERATOR_TOKEN_SALT = env.secret("OPERATOR_TOKEN_SALT") or "nchu"
OPERATOR_TOKEN_ALGORITHM = env.choice("OPERATOR_TOKEN_ALGORITHM", "md5", ("md5", "hmac-sha256"))
OPERATOR_TOKEN_REQUIRED = env.boolean("OPERATOR_TOKEN_REQUIRED", False)

JWT_SECRET_KEY = env.secret("JWT_SECRET_KEY") or SECRET_KEY
# What a scraper of /metrics says who it is by; without one only administrators may read them.
METRICS_TOKEN = env.secret("METRICS_TOKEN")
SIMPLE_JWT = {
    "SIGNING_KEY": JWT_SECRET_KEY,
    "ALGORITHM": "HS256",
    "ACCESS_TOKEN_LIFETIME": timedelta(
        seconds=env.integer("JWT_ACCESS_TOKEN_EXPIRES", 3600, low=30, high=86400)
    ),
    "REFRESH_TOKEN_LIFETIME": timedelta(
        seconds=env.integer("JWT_REFRESH_TOKEN_EXPIRES", 2592000, low=60, high=31536000)
    ),
    # Each refresh token is valid for one use, for all clients; otherwise only if requested at the login.
    "ROTATE_REFRESH_TOKENS": env.boolean("JWT_ROTATE_REFRESH_TOKENS", default=False),
    "TOKEN_TYPE_CLAIM": "type",
    "USER_ID_FIELD": "uid",
    "USER_ID_CLAIM": "sub",
    "CHECK_REVOKE_TOKEN": True,
    "REVOKE_TOKEN_CLAIM": "rev",
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.PageSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["scheduler_site.rest.parsers.StrictJSONParser"],
    "EXCEPTION_HANDLER": "scheduler_site.rest.views.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "scheduler_site.openapi.routes.RouteSchema",
    "DEFAULT_THROTTLE_RATES": {
        "login-address": "30/min",
        "token-address": "30/min",
        "login-user": "10/min",
        "test-run": "20/min",
    },
    "UNICODE_JSON": True,
    "STRICT_JSON": True,
}
# The description of the API; what it says is in the types of the apps' routes.
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Belfry",
    "VERSION": VERSION,
    "SERVERS": [{"url": f"{BASE_PATH}/api/v2"}, {"url": f"{BASE_PATH}/api", "description": "The same."}],
    "POSTPROCESSING_HOOKS": ["scheduler_site.openapi.routes.finish"],
    "SORT_OPERATIONS": False,
}

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
