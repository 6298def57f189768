"""Model fields of the jobs app: migrations know the field of secrets by this name."""

from __future__ import annotations

from scheduler_site.encrypted import EncryptedJSONField

__all__ = ["EncryptedJSONField"]
