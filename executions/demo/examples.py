"""The example jobs: what each does now, and how its runs went in the month before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from executions.models import Reason, State

# What marks them, beside their names: a parameter that every one of them has.
MARK = {"example": "belfry-demo"}
PREFIX = "Example: "


@dataclass(frozen=True)
class Past:
    """How one run of the past went; `seconds` of a run that did not start are 0."""

    state: State
    seconds: float = 0.0
    exit_code: int | None = 0
    error: str = ""
    log: str = ""
    reason: str = ""


# (age, random numbers of this job) -> how the run of that age went.
Story = Callable[[dt.timedelta, Random], Past]


@dataclass(frozen=True)
class Example:
    name: str
    description: str
    # Empty: manual only.
    expression: str
    # Python that the job runs from now on.
    code: str
    story: Story
    # The name of an example after whose successes it runs.
    after: str = ""
    paused: str = ""
    timeout: int | None = None

    @property
    def title(self) -> str:
        return PREFIX + self.name

    @property
    def options(self) -> dict[str, Any]:
        return {"job_class": "jobs.classes.python.PythonJob", "args": ["str", self.code]}


def _steady(mean: float, log: str = "done\n") -> Story:
    return lambda _age, random: Past(State.SUCCESS, mean * random.uniform(0.8, 1.3), log=log)


def _slower(age: dt.timedelta, random: Random) -> Past:
    """A backup that takes longer every day."""
    seconds = (900 - 12 * age.days) * random.uniform(0.95, 1.05)
    return Past(
        State.SUCCESS, max(seconds, 60), log="dumping 214 tables\n\x1b[32mverified\x1b[0m 214 tables\n"
    )


def _flaky(age: dt.timedelta, random: Random) -> Past:
    """A partner whose server is away now and then, and one night for hours."""
    if dt.timedelta(days=9, hours=2) < age < dt.timedelta(days=9, hours=7):
        return Past(State.MISSED, exit_code=None, reason=Reason.DEADLINE)
    if random.random() < 0.06:
        text = "ConnectionError: partner.example answered 503 Service Unavailable"
        return Past(State.FAILED, random.uniform(1, 30), 1, text, f"fetching page 1\n\x1b[31m{text}\x1b[0m\n")
    pages = random.randint(2, 9)
    return Past(
        State.SUCCESS,
        pages * random.uniform(0.6, 1.1),
        log="".join(f"fetching page {n + 1}\n" for n in range(pages)),
    )


def _broken(age: dt.timedelta, random: Random) -> Past:
    """Went well until three days ago."""
    if age < dt.timedelta(days=3):
        text = 'column "net_total" does not exist'
        return Past(State.FAILED, random.uniform(0.8, 2), 1, text, f"reading orders\nERROR: {text}\n")
    return Past(State.SUCCESS, random.uniform(20, 40), log="reading orders\nwrote report.xlsx\n")


def _training(age: dt.timedelta, random: Random) -> Past:
    if random.random() < 0.12:
        return Past(State.TIMEOUT, 7200, None, "The time limit of 2 h has passed.", "epoch 1\nepoch 2\n")
    if age.days == 17:
        return Past(State.LOST, 3100, None, "The worker has died.", "epoch 1\n", Reason.LOST)
    return Past(State.SUCCESS, random.uniform(4800, 6900), log="epoch 1\nepoch 2\nepoch 3\nloss 0.021\n")


EXAMPLES = (
    Example(
        "nightly backup",
        "Backs the database up and verifies the dump. It takes a little longer every day: look at its chart.",
        "30 2 * * *",
        "import time\nfor table in range(20):\n    print('dumping table', table)\n    time.sleep(0.5)\n",
        _slower,
    ),
    Example(
        "hourly import",
        "Fetches orders from a partner whose server is away now and then.",
        "5 * * * *",
        "import random, sys\nprint('fetching page 1')\n"
        "sys.exit('ConnectionError: partner.example answered 503') if random.random() < 0.06 else print('done')\n",
        _flaky,
    ),
    Example(
        "quarter-hourly sync",
        "Small and steady: what most jobs look like.",
        "*/15 * * * *",
        "print('in sync')\n",
        _steady(3.5, "in sync\n"),
    ),
    Example(
        "morning report",
        "Failing since three days, because a column was renamed: the page of a run says so in one sentence.",
        "0 7 * * *",
        "import sys\nprint('reading orders')\nsys.exit('column \"net_total\" does not exist')\n",
        _broken,
    ),
    Example(
        "month-end invoices",
        "On the last day of each month. What sends the invoices runs after it.",
        "0 18 L * *",
        "print('42 invoices')\n",
        _steady(160, "42 invoices\n"),
    ),
    Example(
        "send invoices",
        "Has no schedule: it runs after each success of the job that writes the invoices.",
        "",
        "print('sent')\n",
        _steady(12),
        after="month-end invoices",
    ),
    Example(
        "model training",
        "Runs for hours, and now and then into its time limit.",
        "0 22 * * *",
        "import time\nfor epoch in range(1, 4):\n    print('epoch', epoch, flush=True)\n    time.sleep(20)\n",
        _training,
        timeout=7200,
    ),
    Example(
        "weekly clean-up",
        "Paused, with a reason and an end: the list says until when and why.",
        "0 3 * * sun",
        "print('removed 18 files')\n",
        _steady(45, "removed 18 files\n"),
        paused="The archive is being moved.",
    ),
)
