"""Calls of GitHub's REST API with aiohttp: one host, a deadline for each call, bounded answers, no token in any text."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
from django.conf import settings
from yarl import URL

from ..addresses import AddressRefused
from ..masking import Mask
from ..webhook.send import CheckedResolver
from .request import Answer

CALL_SECONDS = 20.0  # one call, with its redirects
MAX_BODY = 1 << 20  # bytes that are read of an answer
MAX_KEPT = 4096  # characters of its text
MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 307, 308})  # a repository that was renamed; the method stays the same
# Understood by every server that is still looked after; versions are supported for two years after the next one.
VERSION = "2022-11-28"


class NoAnswer(Exception):
    """A call that was not answered: whether it has changed anything on the other side is not known."""


class Api:
    """The API as one token sees it. A session of its own for each run: runs last long and call rarely."""

    def __init__(self, session: aiohttp.ClientSession, token: str, mask: Mask) -> None:
        self._session, self._token, self._mask = session, token, mask
        self._base = URL(settings.GITHUB_API_URL)

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, token: str, mask: Mask) -> AsyncIterator[Api]:
        """The host is the operator's choice, so that it may be an inner one; no other host is ever called."""
        host = URL(settings.GITHUB_API_URL).host or ""
        # force_close: a connection that the other side is about to close would leave a dispatch in doubt.
        connector = aiohttp.TCPConnector(limit=0, force_close=True, resolver=CheckedResolver([host]))
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,  # a small compressed answer may be a large one
        )
        async with session:
            yield cls(session, token, mask)

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        etag: str = "",
        seconds: float | None = None,
    ) -> Answer:
        """The answer, whatever its status; raises NoAnswer."""
        seconds = CALL_SECONDS if seconds is None else seconds
        url = URL(str(self._base).rstrip("/") + path, encoded=True)
        if query:
            url = url.with_query(query)
        try:
            async with asyncio.timeout(seconds):
                return await self._follow(method, url, body, etag)
        except TimeoutError as problem:
            raise NoAnswer(f"GitHub did not answer within {seconds:g} s") from problem
        except (aiohttp.ClientError, AddressRefused, OSError, ValueError) as problem:
            raise NoAnswer(self._mask(f"GitHub could not be called: {problem}")) from problem

    async def _follow(self, method: str, url: URL, body: Mapping[str, Any] | None, etag: str) -> Answer:
        for _hop in range(MAX_REDIRECTS):
            answer, location = await self._send(method, url, body, etag)
            following = url.join(URL(location)) if answer.status in REDIRECTS and location else url
            # The token goes to the host that it is for, and nowhere else.
            if following == url or following.origin() != url.origin():
                break
            url = following
        return answer

    async def _send(
        self, method: str, url: URL, body: Mapping[str, Any] | None, etag: str
    ) -> tuple[Answer, str]:
        sending = self._session.request(
            method, url, json=body, headers=self._headers(etag), allow_redirects=False
        )
        async with sending as answer:
            raw = await _read(answer)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            text = raw.decode(errors="replace").replace("\0", "")
            told = Answer(answer.status, headers, self._mask(text)[:MAX_KEPT], self._object(text))
            return told, headers.get("location", "")

    def _object(self, text: str) -> dict[str, Any]:
        """The body as an object; what it says in words is masked before anybody shortens it."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        if not isinstance(found, dict):
            return {}
        words = found.get("message")
        return found | ({"message": self._mask(words)} if isinstance(words, str) else {})

    def _headers(self, etag: str) -> dict[str, str]:
        headers = {
            "Accept": "application/vnd.github+json",
            "Accept-Encoding": "identity",
            "Authorization": f"Bearer {self._token}",
            "User-Agent": f"Belfry/{settings.VERSION}",
            "X-GitHub-Api-Version": VERSION,
        }
        return headers | ({"If-None-Match": etag} if etag else {})


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The beginning of the body; the rest is never read."""
    body = bytearray()
    while len(body) < MAX_BODY and (chunk := await answer.content.read(MAX_BODY - len(body))):
        body += chunk
    if len(body) >= MAX_BODY:
        answer.close()
    return bytes(body)
