"""Posts a message to Slack."""

from __future__ import annotations

import os
from typing import Any

from .base import Job

URL_VARIABLE = "SIMPLE_SCHEDULER_SLACK_URL"
TIMEOUT = 30  # seconds


class SlackJob(Job):
    """A message through an incoming webhook, whose URL the operator sets."""

    notes = f"This sends a Slack message. The environment variable {URL_VARIABLE} holds the incoming webhook's URL."
    arguments = (
        {"type": "string", "description": "Channel name"},
        {"type": "string", "description": "Bot name"},
        {"type": "string", "description": "Icon emoji"},
        {"type": "string", "description": "Message"},
    )
    example_arguments = '["#general", "belfry", ":satellite:", "Hello from the scheduler"]'

    def run(self, channel: str, name: str, icon_emoji: str, message: str) -> dict[str, Any]:
        """{"status"}; anything but a 2xx answer fails."""
        import requests

        url = os.environ.get(URL_VARIABLE)
        if not url:
            raise RuntimeError(f"{URL_VARIABLE} is not set")
        payload = {"channel": channel, "username": name, "icon_emoji": icon_emoji, "text": escape(message)}
        try:
            status = requests.post(url, json=payload, timeout=TIMEOUT).status_code
        except requests.RequestException as problem:  # its text holds the URL, which is a secret
            raise RuntimeError(f"Slack cannot be reached: {type(problem).__name__}") from None
        if not 200 <= status < 300:
            raise RuntimeError(f"Slack answered with status {status}")
        return {"status": status}


def escape(text: str) -> str:
    """Slack's three control characters as text, so that a message cannot notify a whole channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
