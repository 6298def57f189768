"""Passwords of accounts that came from elsewhere."""

from __future__ import annotations

import bcrypt
from django.contrib.auth.hashers import BCryptPasswordHasher


class InheritedBCrypt(BCryptPasswordHasher):
    """bcrypt as older systems used it: of a password the first 72 bytes count.

    Newer versions of the library refuse longer ones with ValueError instead, which would be a login that ends with status 500.
    """

    longest = 72

    def encode(self, password: str, salt: bytes) -> str:  # type: ignore[override]
        hashed = bcrypt.hashpw(password.encode()[: self.longest], salt)
        return f"{self.algorithm}${hashed.decode('ascii')}"
