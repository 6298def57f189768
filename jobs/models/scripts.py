"""The texts of scripts; equal texts are stored once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

# The option of a script job that holds its text.
SCRIPT_OPTION = "script"


class Script(models.Model):
    """The text of a script. Definitions of runs name it by its digest, so that a text is kept once, however often it runs."""

    # SHA-256 of the text in UTF-8, in hex.
    digest = models.CharField(max_length=64, unique=True)
    text = models.TextField()

    def __str__(self) -> str:
        return self.digest

    @classmethod
    def keep(cls, options: Mapping[str, Any]) -> None:
        """Makes sure that the text in a script's options can be found by its digest. To be called in a transaction."""
        text = options.get(SCRIPT_OPTION)
        if not isinstance(text, str):
            return
        digest = digest_of(text)
        # Locked until whoever names it is written as well: `prune` takes away what nobody names.
        if not cls.objects.select_for_update().filter(digest=digest).values_list("pk").first():
            cls.objects.get_or_create(digest=digest, defaults={"text": text})

    @classmethod
    def texts(cls, definitions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        """The texts that these definitions name, by digest; one query, none when no script is among them."""
        found = {name for definition in definitions if (name := named_digest(definition["options"]))}
        return dict(cls.objects.filter(digest__in=found).values_list("digest", "text")) if found else {}


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def by_digest(options: dict[str, Any]) -> dict[str, Any]:
    """The options with `{"sha256": digest}` in the place of a script's text."""
    text = options.get(SCRIPT_OPTION)
    return options | {SCRIPT_OPTION: {"sha256": digest_of(text)}} if isinstance(text, str) else options


def with_text(options: dict[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """The options with the script's text in the place of its digest, where it is among `texts`."""
    text = texts.get(named_digest(options))
    return options if text is None else options | {SCRIPT_OPTION: text}


def named_digest(options: Mapping[str, Any]) -> str:
    """The digest that `by_digest` put there, or nothing."""
    script = options.get(SCRIPT_OPTION)
    return str(script.get("sha256", "")) if isinstance(script, dict) else ""
