"""Sections of the page of a run: measurements, artifacts, script and environment."""

from __future__ import annotations

import uuid
from typing import Any

from environments.models import Environment
from executions.models import Artifact, Execution, Measurement
from executions.pages import artifact_previews
from jobs.models import Script, named_digest

# At most this many files are listed, and this many shown with a preview.
LISTED, SHOWN = 200, 20


def of(run: Execution, attempt: int | None = None) -> dict[str, Any]:
    """The values of `executions/_evidence.html`: of this attempt or the last that was measured, and all files."""
    if not run.is_code:
        return {}
    measured = Measurement.objects.filter(execution=run)
    if attempt is not None:
        measured = measured.filter(attempt=attempt)
    found = list(run.artifacts.order_by("-attempt", "name")[:LISTED])
    count = run.artifacts.count() if len(found) == LISTED else len(found)
    return {
        "measurement": measured.order_by("-attempt").first(),
        "files": [(file, _preview(run, file, place)) for place, file in enumerate(found)],
        "file_count": count,
        "more_files": count - len(found),
    }


def context(run: Execution) -> dict[str, Any]:
    """What a run of a script was told to do: the text that its definition names, and its environment as it is now."""
    full = run.full_definition
    definition = full if isinstance(full, dict) else {}
    options = definition.get("options")
    digest = named_digest(options) if isinstance(options, dict) else ""
    script = Script.objects.filter(digest=digest).values_list("text", flat=True).first() if digest else None
    return {
        "script": script,
        "script_gone": bool(digest) and script is None,
        "environment": _environment(definition),
    }


def _environment(definition: dict[str, Any]) -> Environment | None:
    try:
        uid = uuid.UUID(str(definition.get("environment") or ""))
    except ValueError:
        return None
    return Environment.objects.filter(uid=uid).first()


def _preview(run: Execution, file: Artifact, place: int) -> artifact_previews.Preview:
    return artifact_previews.of(run.uid, file) if place < SHOWN else artifact_previews.Preview()
