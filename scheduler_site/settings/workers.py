"""Settings of the broker, the workers, and of running jobs, scripts and environments."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured

from scheduler_site.lib import env
from scheduler_site.running import installation
from scheduler_site.settings.deployment import BASE_PATH, DATA_DIR, PORT, THEMES_ENABLED

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
# How long a worker that does not reach the database goes on with its runs; 40 s after its last word others count them as lost.
WORKER_ALONE_SECONDS = env.integer("WORKER_ALONE_SECONDS", 600, low=30, high=86400)
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
# How much one account, category or job may take up; 0: any (jobs/quotas.py, executions/ledger/limits/quotas.py).
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
EXECUTION_RETENTION_PER_JOB = env.integer("EXECUTION_RETENTION_PER_JOB", 0, low=0, high=10**7)
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
