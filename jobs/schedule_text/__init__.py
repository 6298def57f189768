"""What a schedule means, for people and in their language; the arithmetic itself (`jobs/schedule`) knows no words."""

from __future__ import annotations

from jobs.schedule_text.preview import Occurrence, preview, remarks
from jobs.schedule_text.words import in_words

__all__ = ["Occurrence", "in_words", "preview", "remarks"]
