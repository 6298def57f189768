"""Refuses or warns of configurations that are unsafe or break the promise, each with an id and a hint.

`manage.py check` runs those of the settings, `manage.py check --database default` and `migrate` all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

LONG_KEY = 50
LONG_TOKEN = 20
VARIED_KEY = 5
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
BEAT = "executions.beat:JobScheduler"


# The settings -------------------------------------------------------------------------------------------------


@register(Tags.security)
def production(**_: Any) -> Iterable[CheckMessage]:
    """What would be convenient at home and is dangerous on a network."""
    return list(_production()) if settings.PRODUCTION else []


def _production() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        yield Error(
            "DEBUG is on in production.",
            hint="Unset DEBUG: it shows settings to strangers.",
            id="belfry.E001",
        )
    if weak(settings.SECRET_KEY):
        hint = f"Use {LONG_KEY} or more random characters: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
        yield Error("SECRET_KEY can be guessed.", hint=hint, id="belfry.E002")
    for name, key in _other_keys():
        if weak(key):
            hint = f"Use {LONG_KEY} or more random characters, or leave {name} out: then SECRET_KEY is used."
            yield Error(f"{name} can be guessed.", hint=hint, id="belfry.E030")
    if settings.ALLOW_DEFAULT_ADMIN:
        hint = "Set ALLOW_DEFAULT_ADMIN=false and make an admin with: manage.py createsuperuser"
        yield Error("The well-known admin account is allowed in production.", hint=hint, id="belfry.E003")
    if not settings.ALLOWED_HOSTS:
        hint = "Name the hosts that users type, for example ALLOWED_HOSTS=belfry.example.com"
        yield Error("ALLOWED_HOSTS is empty: every request would be refused.", hint=hint, id="belfry.E004")
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts that users type: links in messages are made from the name in the request."
        yield checks.Warning("ALLOWED_HOSTS admits every name.", hint=hint, id="belfry.W005")
    if settings.EXPOSE_ERROR_DETAILS:
        hint = "Unset EXPOSE_ERROR_DETAILS."
        yield checks.Warning("Error details are shown to clients in production.", hint=hint, id="belfry.W006")
    if urlsplit(settings.FRONTEND_BASE_URL).hostname in LOOPBACK:
        hint = "Set FRONTEND_BASE_URL to the address that users type; links in messages begin with it."
        yield checks.Warning("FRONTEND_BASE_URL points to this machine only.", hint=hint, id="belfry.W007")
    if "*" in settings.CORS_ORIGINS:
        hint = "Name the origins whose pages may call the API, or none."
        yield checks.Warning("CORS_ORIGINS admits pages of every origin.", hint=hint, id="belfry.W008")
    if settings.METRICS_TOKEN and len(settings.METRICS_TOKEN) < LONG_TOKEN:
        hint = (
            f"Use {LONG_TOKEN} or more random characters, or none: then only administrators read the metrics."
        )
        yield checks.Warning("METRICS_TOKEN can be guessed.", hint=hint, id="belfry.W018")
    if settings.ALERT_EMAILS and not mail_works():
        yield no_mail("ALERT_EMAILS names people")


def _other_keys() -> Iterator[tuple[str, str]]:
    """Keys that were given beside SECRET_KEY."""
    given = {"JWT_SECRET_KEY": [settings.JWT_SECRET_KEY], "ENCRYPTION_KEYS": settings.ENCRYPTION_KEYS}
    for name, keys in given.items():
        yield from ((name, key) for key in keys if key != settings.SECRET_KEY)


def mail_works() -> bool:
    """Or is switched off on purpose, which the list of alerts says of each."""
    return bool(settings.EMAIL_HOST) or not settings.MAIL_ENABLED


def no_mail(wanted: str) -> CheckMessage:
    hint = "Set MAIL_SERVER; or MAIL_ENABLED=false if no mail is wanted."
    return checks.Warning(f"{wanted}, but there is no mail server.", hint=hint, id="belfry.W019")


def weak(key: str) -> bool:
    """Short, monotonous, or out of an example."""
    return (
        len(key) < LONG_KEY or len(set(key)) < VARIED_KEY or key.startswith(("django-insecure-", "change-me"))
    )


@register(Tags.security)
def open_door(**_: Any) -> Iterable[CheckMessage]:
    """A password that everybody knows belongs on the loopback interface."""
    if settings.PRODUCTION or not settings.ALLOW_DEFAULT_ADMIN or settings.HOST in LOOPBACK:
        return []
    hint = "Set ALLOW_DEFAULT_ADMIN=false, or leave HOST at 127.0.0.1."
    return [
        checks.Warning(
            f"HOST={settings.HOST} is open to other machines, and admin123 may log in.",
            hint=hint,
            id="belfry.W009",
        )
    ]


@register("belfry")
def one_machine(**_: Any) -> Iterable[CheckMessage]:
    """A file and a local socket cannot be shared by several machines."""
    found: list[CheckMessage] = []
    shared_broker = (
        not settings.EMBEDDED_REDIS and urlsplit(settings.CELERY_BROKER_URL).hostname not in LOOPBACK
    )
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") and (settings.PRODUCTION or shared_broker):
        hint = "Set DATABASE_URL to PostgreSQL (or MySQL) unless everything runs on this machine."
        found.append(
            checks.Warning(
                "The database is a SQLite file, good for one machine.", hint=hint, id="belfry.W010"
            )
        )
    if settings.PRODUCTION and settings.EMBEDDED_REDIS:
        hint = "Set REDIS_URL unless everything runs on this machine."
        found.append(
            checks.Warning("The embedded Redis serves this machine only.", hint=hint, id="belfry.W011")
        )
    return found


@register("belfry")
def clock(**_: Any) -> Iterable[CheckMessage]:
    """Without our scheduler class no job is ever due."""
    if settings.CELERY_BEAT_SCHEDULER == BEAT:
        return []
    hint = (
        f"Leave CELERY_BEAT_SCHEDULER at {BEAT}; the stock scheduler does not know the ledger of due times."
    )
    return [Error(f"CELERY_BEAT_SCHEDULER is {settings.CELERY_BEAT_SCHEDULER}.", hint=hint, id="belfry.E012")]


# What the settings point to -----------------------------------------------------------------------------------


@register(Tags.database)
def eviction(databases: Sequence[str] | None = None, **_: Any) -> Iterable[CheckMessage]:
    """A broker that throws messages away when its memory is full."""
    if not databases or not settings.CELERY_BROKER_URL.startswith("redis"):
        return []
    policy = eviction_policy(settings.CELERY_BROKER_URL)
    if policy in {None, "noeviction"}:
        return []
    hint = "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf."
    return [
        checks.Warning(f"Redis may drop messages: maxmemory-policy is {policy}.", hint=hint, id="belfry.W017")
    ]


def eviction_policy(url: str) -> str | None:
    """maxmemory-policy of a server; None when it cannot be reached or does not tell."""
    import redis

    url = url.replace("redis+socket://", "unix://", 1)
    try:
        with redis.Redis.from_url(
            url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True
        ) as client:
            answer = cast("dict[str, str]", client.config_get("maxmemory-policy"))
    except (redis.RedisError, OSError, ValueError):
        return None
    return answer.get("maxmemory-policy")
