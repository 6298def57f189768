"""A host name that nobody answers for delays nobody else's webhook."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from pytest_django.fixtures import Settings

from jobs.runners import RUNNERS, Context, IORunner, Outcome, addresses
from jobs.tests.running import Receiver, spec_for
from jobs.tests.webhooks import receiver
from scheduler_site.lib.addresses import Address

__all__ = ["receiver"]

DEAD = 84


def test_a_webhook_beside_84_with_dead_names_is_sent_at_once(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """All in the event loop of one worker; the system's resolver cannot be asked to give up."""
    over, asked, lookup = threading.Event(), threading.Barrier(DEAD + 1), addresses.lookup

    def system(host: str, port: int) -> list[Address]:
        if not host.endswith(".example"):
            return lookup(host, port)
        asked.wait(20)
        over.wait(20)
        raise OSError("Name or service not known")

    monkeypatch.setattr(addresses, "lookup", system)
    runner = RUNNERS["webhook"]
    assert isinstance(runner, IORunner)

    async def call(url: str) -> Outcome:
        spec = spec_for("webhook", {"target_url": url})
        return await runner.run(Context(spec, asyncio.Event(), lambda text: None))

    async def main() -> None:
        dead = [asyncio.ensure_future(call(f"http://dead-{number}.example/")) for number in range(DEAD)]
        await asyncio.to_thread(asked.wait, 20)
        began = time.monotonic()
        outcome = await call(receiver.url(host="localhost"))
        seconds = time.monotonic() - began
        assert not any(one.done() for one in dead)
        over.set()
        await asyncio.gather(*dead)
        assert outcome.state == "success", outcome
        assert seconds < 2

    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    asyncio.run(main())
