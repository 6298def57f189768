"""Calls a URL from the machine that runs jobs."""

from __future__ import annotations

from typing import Any

from .base import Job

TIMEOUT = 300  # seconds, for the connection and for each silence of the other side
MAX_TEXT = 512 * 1024  # bytes kept of the answer


class CurlJob(Job):
    """Sends one HTTP request and returns the text of the answer."""

    notes = "This sends an HTTP request to the URL. A refused connection fails the run, an HTTP error status does not."
    arguments = (
        {"type": "string", "description": "URL"},
        {"type": "string", "description": "Method: GET, POST, PUT, PATCH, DELETE"},
        {"type": "string", "description": "Body (optional)"},
    )
    example_arguments = '["https://localhost:8888/api/v1/jobs/12345", "DELETE"]'

    def run(self, url: str, method: str = "GET", body: Any = None) -> str:
        """The answer's text, cut at 512 KiB; a body that is no text is sent as JSON."""
        import requests  # only this class pays for it

        sent = (
            {"data": body.encode()} if isinstance(body, str) else {"json": body} if body is not None else {}
        )
        with requests.request(method.upper(), url, timeout=TIMEOUT, stream=True, **sent) as answer:
            print(f"{answer.status_code} {answer.reason}", flush=True)
            content: bytes = answer.raw.read(MAX_TEXT, decode_content=True)
            try:
                return content.decode(answer.encoding or "utf-8", errors="replace")
            except LookupError:  # a charset nobody knows
                return content.decode(errors="replace")
