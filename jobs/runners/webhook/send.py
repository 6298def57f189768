"""Sends a webhook with aiohttp: deadlines, checked addresses, redirects by hand, a bounded answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import time
from codecs import lookup as lookup_codec
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings
from django.core.exceptions import ValidationError
from yarl import URL

from .. import addresses
from ..addresses import AddressRefused, check_addresses, check_target, parse_url
from ..base import Context, Outcome, Spec
from ..masking import Mask
from .request import Request, build, judge, redirected, secret_values, succeeded

MAX_ANSWER = 64 * 1024  # characters kept, and (but for the mask's look-ahead) bytes read
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
DNS_CACHE_SECONDS = 10
_TEXT_CODEC = re.compile(
    r"ascii|utf-(?:8|16|32).*|iso8859-\d+|cp\d+|koi8-\w|gb\w+|big5\w*|euc_\w+|shift_jis\w*"
)

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
    except (aiohttp.ClientError, OSError, ValueError) as problem:
        return Outcome("failed", f"Webhook call failed: {problem}", response_status=progress.status)


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
                    verdict = judge(
                        answer.status, spec.options, answer.headers.get("Retry-After"), datetime.now(UTC)
                    )
                    return replace(verdict, output=await _read(answer, mask))
                following = parse_url(str(request.url.join(URL(location.strip()))))
                request = redirected(request, answer.status, following)
    raise TooManyRedirectsError(progress.status or 0)


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


async def _read(answer: aiohttp.ClientResponse, mask: Mask) -> str:
    """The beginning of the answer as text: masked, then cut. The rest is never read."""
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        return "(compressed answer, not shown)"
    room = MAX_ANSWER + mask.longest
    body = bytearray()
    while len(body) < room and (chunk := await answer.content.read(room - len(body))):
        body += chunk
    answer.close()
    return mask(bytes(body).decode(_codec(answer), errors="replace").replace("\0", ""))[:MAX_ANSWER]


def _codec(answer: aiohttp.ClientResponse) -> str:
    """The declared charset where it is one of plain text (codecs such as punycode are slow), else UTF-8."""
    try:
        name = lookup_codec(answer.charset or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    return name if _TEXT_CODEC.fullmatch(name) else "utf-8"


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
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(addresses.resolving, addresses.lookup, host, port)
        check_addresses(host, port, found, [*settings.WEBHOOK_ALLOWED_HOSTS, *self.trusted])
        return [_result(host, port, address) for address in found]

    async def close(self) -> None:
        """Nothing is held open."""


def _result(host: str, port: int, address: addresses.Address) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address),
        port=port,
        family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
