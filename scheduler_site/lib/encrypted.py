"""A model field for secrets, and encrypted texts for clients that must not read them."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    """Encrypts with the first key, reads with any: keys are rotated by putting a new one in front."""
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys]
    )


def seal(value: Any) -> str:
    """A JSON value, encrypted and authenticated."""
    return _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(json.dumps(value).encode()).decode("ascii")


def unseal(text: str, *, seconds: int) -> Any:
    """The value that was sealed at most so many seconds ago; None for anything else."""
    try:
        return json.loads(_cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(text.encode(), ttl=seconds))
    except (InvalidToken, ValueError):
        return None


class Undecryptable(dict[str, str]):
    """Secrets whose key is missing. They look empty, but are not: what is stored stays as it is when this is saved."""

    def __init__(self, stored: str) -> None:
        super().__init__()
        self.stored = stored


class EncryptedJSONField(models.TextField[dict[str, str], dict[str, str]]):
    """A dictionary of secrets: encrypted at rest, never shown. Those that cannot be decrypted are `Undecryptable`."""

    def get_prep_value(self, value: Any) -> str:
        if isinstance(value, Undecryptable):
            return value.stored
        if not value:
            return ""
        return _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(json.dumps(value).encode()).decode("ascii")

    def from_db_value(self, value: str | None, *_args: Any) -> dict[str, str]:
        if not value:
            return {}
        try:
            plain = _cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(value.encode())
        except InvalidToken:
            return Undecryptable(value)
        secrets: dict[str, str] = json.loads(plain)
        return secrets

    def to_python(self, value: Any) -> Any:
        return value
