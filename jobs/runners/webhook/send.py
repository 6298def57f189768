"""Sends a webhook with aiohttp: deadlines, checked addresses, redirects by hand, a bounded answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings
from django.core.exceptions import ValidationError
from yarl import URL

from scheduler_site.lib.addresses import Address

from .. import addresses
from ..addresses import AddressRefused, check_addresses, check_target, parse_url
from ..base import Context, Outcome, Spec
from ..masking import Mask
from .request import Request, build, judge, loses_body, plain, redirected, secret_values, succeeded
from .response import JUDGED, SHOWN, disappointment, is_judged, read, size

# Bytes of one header of an answer, and of all its lines; generous, since what cannot be read has arrived all the same.
MAX_HEADER, MAX_HEADERS = 64 * 1024, 512
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
DNS_CACHE_SECONDS = 10
_connectors: dict[asyncio.AbstractEventLoop, aiohttp.TCPConnector] = {}


class TooManyRedirectsError(Exception):
    """The answer after the last hop we follow was yet another redirect; carries its status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"Webhook redirected more than {MAX_REDIRECTS} times")
        self.status = status


@dataclass
class Progress:
    """What is known of the answer so far, for an outcome that comes from outside (deadline, stop)."""

    status: int | None = None


async def call(context: Context[asyncio.Event]) -> Outcome:
    """Send the request of this run and say how it ended, at the latest when its time is up."""
    spec, mask, progress = context.spec, Mask(secret_values(context.spec)), Progress()
    work = asyncio.ensure_future(_attempt(context, mask, progress))
    stop = asyncio.ensure_future(context.cancelled.wait())
    try:
        await asyncio.wait({work, stop}, timeout=spec.timeout, return_when=asyncio.FIRST_COMPLETED)
        outcome = work.result() if work.done() else _interrupted(stop.done(), spec, progress)
    finally:
        for task in (work, stop):
            task.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)
    target = mask(str(spec.options.get("target_url", "")))
    return replace(outcome, message=mask(outcome.message), target=target)


def _interrupted(stopped: bool, spec: Spec, progress: Progress) -> Outcome:
    if stopped:
        return Outcome("stopped", "Stopped while waiting for the webhook", response_status=progress.status)
    if progress.status is not None and succeeded(progress.status, spec.options):
        text = f"The answer had not ended after {spec.timeout:g} s"
        return Outcome("timeout", text, response_status=progress.status, retryable=False)
    return Outcome("timeout", f"No answer within {spec.timeout:g} s", response_status=progress.status)


async def _attempt(context: Context[asyncio.Event], mask: Mask, progress: Progress) -> Outcome:
    """The whole call; every way the other side or the network can fail becomes an outcome."""
    spec = context.spec
    try:
        url = parse_url(str(spec.options.get("target_url", "")))
        request = build(spec, url, agent=f"Belfry/{settings.VERSION}", now=time.time())
        return await _exchange(context, request, mask, progress)
    except AddressRefused as refusal:
        return Outcome("error", str(refusal), retryable=False)
    except (ValidationError, json.JSONDecodeError, aiohttp.InvalidURL) as problem:
        text = " ".join(problem.messages) if isinstance(problem, ValidationError) else str(problem)
        return Outcome("error", f"The request cannot be built: {text}", retryable=False)
    except TooManyRedirectsError as problem:
        return Outcome("failed", str(problem), response_status=problem.status, retryable=False)
    except TimeoutError as problem:
        return Outcome(
            "timeout", str(problem) or "The webhook did not answer in time", response_status=progress.status
        )
    except aiohttp.ClientResponseError as problem:
        text = f"The answer cannot be read (a header may have {size(MAX_HEADER)}): {problem.message}"
        return Outcome("failed", text, response_status=progress.status, retryable=False)
    except (aiohttp.ClientError, OSError, ValueError) as problem:
        # aiohttp names its TLS setting whatever the scheme.
        text = re.sub(r" ssl:\S+", "", str(problem))
        return Outcome("failed", f"Webhook call failed: {text}", response_status=progress.status)


async def _exchange(
    context: Context[asyncio.Event], request: Request, mask: Mask, progress: Progress
) -> Outcome:
    """Follow redirects by hand, so that each hop passes the address rule, until an answer can be judged."""
    spec = context.spec
    connect = spec.options.get("connect_timeout") or spec.timeout
    limits = aiohttp.ClientTimeout(total=None, connect=connect, sock_read=spec.timeout)
    session = aiohttp.ClientSession(
        connector=_connector(),
        connector_owner=False,  # shared by all calls of this loop, closed with it
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=limits,
        trust_env=False,
        auto_decompress=False,  # a small compressed answer may be a large one
        read_bufsize=16 * 1024,
        max_line_size=MAX_HEADER,
        max_field_size=MAX_HEADER,
        max_headers=MAX_HEADERS,
    )
    async with session:
        for _hop in range(MAX_REDIRECTS + 1):
            check_target(request.url, settings.WEBHOOK_ALLOWED_HOSTS)
            context.log(mask(f"{request.method} {request.url}\n"))
            async with _send(session, request) as answer:
                progress.status = answer.status
                context.log(mask(f"{answer.status} {answer.reason or ''}".rstrip() + "\n"))
                location = answer.headers.get("Location")
                if answer.status not in REDIRECTS or not location or succeeded(answer.status, spec.options):
                    return await _judged(context, answer, mask)
                following = parse_url(str(plain(request.url).join(URL(location.strip()))))
                check_target(following, settings.WEBHOOK_ALLOWED_HOSTS)
                if loses_body(request, answer.status) and not spec.options.get("follow_as_get"):
                    return _redirected_away(answer.status, following)
                request = redirected(request, answer.status, following)
    raise TooManyRedirectsError(progress.status or 0)


async def _judged(context: Context[asyncio.Event], answer: aiohttp.ClientResponse, mask: Mask) -> Outcome:
    """By its status, then by its body where the job says what must be in it. What arrived is no reason to call again."""
    options = context.spec.options
    verdict = judge(answer.status, options, answer.headers.get("Retry-After"), datetime.now(UTC))
    judged = verdict.state == "success" and is_judged(options)
    body = await read(answer, (JUDGED if judged else SHOWN) + mask.longest)
    if judged and (problem := disappointment(body, options)):
        verdict = replace(verdict, state="failed", message=problem, retryable=False)
    # Where a body ends is where its reader looks for the rest; a page shows the end of a long log.
    note = f"\n[{text}]" if (text := body.note(SHOWN)) else ""
    return replace(verdict, output=mask(body.text)[:SHOWN] + note)


def _redirected_away(status: int, to: URL) -> Outcome:
    text = f"Redirected with status {status} to {to}: following it would turn the call into a GET without its body"
    return Outcome("failed", text, response_status=status, retryable=False)


def _send(
    session: aiohttp.ClientSession, request: Request
) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
    return session.request(
        request.method,
        request.url,
        data=request.body or None,
        headers=request.headers(),
        allow_redirects=False,
        skip_auto_headers=("Content-Type", "User-Agent"),
    )


def _connector() -> aiohttp.TCPConnector:
    """The connector of the running loop, without a limit; those of closed loops are dropped."""
    loop = asyncio.get_running_loop()
    connector = _connectors.get(loop)
    if connector is None or connector.closed:
        for finished in [known for known in list(_connectors) if known.is_closed()]:
            _connectors.pop(finished, None)
        # force_close: hardly two calls in a row go to one host, and a connection that the other side is about
        # to close fails a POST that cannot be repeated.
        connector = _connectors[loop] = aiohttp.TCPConnector(
            limit=0, force_close=True, resolver=CheckedResolver(), ttl_dns_cache=DNS_CACHE_SECONDS
        )
    return connector


class CheckedResolver(AbstractResolver):
    """Resolves a name once and hands out only addresses that passed the rule.

    `trusted` are hosts that the operator named elsewhere than in WEBHOOK_ALLOWED_HOSTS.
    """

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        self.trusted = tuple(trusted)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.wrap_future(addresses.resolving.submit(addresses.lookup, host, port))
        check_addresses(host, port, found, [*settings.WEBHOOK_ALLOWED_HOSTS, *self.trusted])
        return [_result(host, port, address) for address in found]

    async def close(self) -> None:
        """Nothing is held open."""


def _result(host: str, port: int, address: Address) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address),
        port=port,
        family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
