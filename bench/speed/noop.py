"""Kinds of job that do nothing, and so cost what Belfry itself costs: one for each pool.

The result is the moment of the job's first line, in seconds since 1970.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Any

from jobs.runners import CodeRunner, Context, IORunner, OptionsForm, Outcome

IO, CODE = "noop-io", "noop-code"


class NoopIO(IORunner):
    """Through the event loop of the waiting kinds."""

    kind = IO
    label = "Nothing, waiting"
    options_form = OptionsForm
    default_timeout = 60.0

    def target(self, options: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
        return "nothing"

    async def run(self, context: Context[asyncio.Event]) -> Outcome:
        return Outcome("success", result=repr(time.time()))


class NoopCode(CodeRunner):
    """In a thread of the code pool, but without a child process: that is the job's cost, not the path's."""

    kind = CODE
    label = "Nothing, in a thread"
    options_form = OptionsForm
    default_timeout = 60.0

    def target(self, options: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
        return "nothing"

    def run(self, context: Context[threading.Event]) -> Outcome:
        return Outcome("success", result=repr(time.time()))
