"""Webhook jobs: call a URL and judge the answer.

options   target_url, and optionally method, headers, body, connect_timeout (seconds), success_codes, follow_as_get;
          answer_contains, answer_lacks, answer_json, answer_json_lacks: what must (not) be in the answer
secrets   "headers", "query", "metadata": JSON objects merged over those of the job; "signing_key": signs it (see request.py)

Without a method the call is GET, or POST with the job's metadata as its JSON body when there is any.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from scheduler_site.lib import credentials

from ..addresses import origin_of
from ..base import Context, IORunner, Outcome
from .forms import WebhookForm


class WebhookRunner(IORunner):
    """Calls a URL; a coroutine per waiting call."""

    kind = "webhook"
    label = _("Webhook")
    about = _("Sends an HTTP request and checks the status code.")
    secrets_help = _(
        "signing_key signs the request; headers, query and metadata are JSON objects that are merged over those of the job."
    )
    secret_names = frozenset({"headers", "metadata", "query", "signing_key"})
    options_form = WebhookForm
    default_timeout = 10.0

    def target(self, options: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
        return str(credentials.masked(str(options.get("target_url", ""))))

    def audience(self, options: Mapping[str, Any]) -> str:
        return origin_of(str(options.get("target_url", "")))

    async def run(self, context: Context[asyncio.Event]) -> Outcome:
        from .send import call  # aiohttp is heavy, and the pages only need the form

        return await call(context)
