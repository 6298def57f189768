"""Sends a notification to an Apple device."""

from __future__ import annotations

import importlib.util
import os
import re
from typing import Any

from .base import Job

CERTIFICATE_VARIABLE = "APNS_CERT_PATH"
TOPIC_VARIABLE = "APNS_TOPIC"
HOST = "https://api.push.apple.com"
# The service speaks HTTP/2 only.
LIBRARIES = ("httpx", "h2")
TIMEOUT = 30  # seconds


class APNSJob(Job):
    """An alert through Apple's push notification service; the operator provides the certificate."""

    notes = (
        f"This sends a push notification. {CERTIFICATE_VARIABLE} is the path of the certificate with its key (PEM), "
        f"{TOPIC_VARIABLE} the app's bundle id; it needs the package httpx[http2]."
    )
    arguments = (
        {"type": "string", "description": "Device token"},
        {"type": "string", "description": "Alert"},
    )
    example_arguments = '["0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "Hello"]'

    @classmethod
    def available(cls) -> bool:
        """With a certificate and a library."""
        return not missing()

    def run(self, device_token: str, alert: str) -> dict[str, Any]:
        """{"status", "apns_id"}; anything but 200 fails."""
        if lacking := missing():
            raise RuntimeError(f"Push notifications are not available: {lacking}")
        if not re.fullmatch(r"[0-9A-Fa-f]{64,200}", device_token):
            raise ValueError("a device token is written in hexadecimal digits")
        import httpx  # type: ignore[import-not-found]  # optional

        topic = os.environ.get(TOPIC_VARIABLE)
        headers = {"apns-push-type": "alert"} | ({"apns-topic": topic} if topic else {})
        with httpx.Client(http2=True, cert=os.environ[CERTIFICATE_VARIABLE], timeout=TIMEOUT) as client:
            answer = client.post(
                f"{HOST}/3/device/{device_token}", headers=headers, json={"aps": {"alert": alert}}
            )
        if answer.status_code != 200:
            raise RuntimeError(f"The service answered {answer.status_code}: {answer.text[:200]}")
        return {"status": answer.status_code, "apns_id": answer.headers.get("apns-id")}


def missing() -> str:
    """What stands in the way, or nothing."""
    if not os.environ.get(CERTIFICATE_VARIABLE):
        return f"{CERTIFICATE_VARIABLE} is not set"
    absent = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    return f"the package httpx[http2] is not installed ({', '.join(absent)} missing)" if absent else ""
