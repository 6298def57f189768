"""The table of the programs that make up Belfry, and their command lines."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module

from celery import current_app
from django.conf import settings

from scheduler_site.running import embedded_redis

# What the programs import for themselves; imported once before they are forked, it is there for all of them.
MODULES = (
    "billiard.pool",
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.concurrency.thread",
    "celery.events.receiver",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.strategy",
    "environments.tasks",
    "executions.beat",
    "executions.tasks",
    "gunicorn.app.wsgiapp",
    "kombu.transport.redis",
    "kombu.transport.pyamqp",
    "notifications.tasks",
    "scheduler_site.front.worker",
)


def load() -> None:
    """What the programs do first, done once for all of them: a page of memory that they need not write to stays shared."""
    for module in MODULES:
        import_module(module)
    current_app.finalize(auto=True)
    current_app.loader.init_worker()


CELERY = (sys.executable, "-m", "scheduler_site.celery_program")
FRONT = "scheduler_site.front.worker.FrontWorker"


@dataclass(frozen=True)
class Program:
    """One line of the table. `grace`: seconds between TERM and KILL; `keep`: file descriptors it inherits."""

    name: str
    argv: tuple[str, ...]
    grace: float
    keep: tuple[int, ...] = ()
    # Others cannot finish their work without it, so it is stopped after them.
    last: bool = False
    # Where a handover is wanted, it may go on after its supervisor, until what it does has ended.
    outlives: bool = False


@dataclass(frozen=True)
class Pool:
    """A worker with its queue: kinds of work that must not wait for one another do not share one."""

    queue: str
    threads: int


def pools() -> tuple[Pool, ...]:
    return (
        Pool("io", threads=4),
        Pool("code", threads=1),
        Pool("system", threads=2),
    )


def worker_grace() -> float:
    """What runs may take to finish, then to be stopped, and a moment to put their end on record."""
    return float(settings.WORKER_SHUTDOWN_SECONDS + settings.WORKER_ENDING_SECONDS) + 2


def broker() -> Program:
    directory = settings.DATA_DIR / "redis"
    return Program(
        "redis", embedded_redis.command(directory, settings.EMBEDDED_REDIS_SOCKET), grace=5, last=True
    )


def beat() -> Program:
    return Program("beat", (*CELERY, "beat"), grace=5)


def worker(pool: Pool) -> Program:
    argv = (*CELERY, "worker", pool.queue, str(pool.threads))
    return Program(f"worker-{pool.queue}", argv, grace=worker_grace(), outlives=True)


def web(listener: int) -> Program:
    """The pages and the API, on a socket that is bound already: clients wait while the program restarts."""
    argv = (
        *(sys.executable, "-m", "gunicorn", "scheduler_site.wsgi:application", "--bind", f"fd://{listener}"),
        *("--worker-class", FRONT, "--preload", "--workers", "2", "--threads", "8"),
        *("--graceful-timeout", "5", "--log-level", "warning", "--no-control-socket"),
    )
    return Program("web", argv, grace=8, keep=(listener,))


def table(listener: int) -> tuple[Program, ...]:
    """All but the broker, in the order of their start; the clock comes last and is stopped first."""
    workers = tuple(worker(pool) for pool in pools())
    return (web(listener), *workers, *((beat(),) if settings.SCHEDULER_ENABLED else ()))
