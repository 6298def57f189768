"""Runs one fault and puts what was found into a line of the table."""

from __future__ import annotations

import json
import os
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.faults.checker import Findings, percentile
from bench.faults.installation import Installation
from bench.faults.trial import Trial, Unavailable, empty
from bench.faults.trials import FAULTS
from bench.servers.stack import Stack

COLUMNS = ("due", "ran", "missing", "double", "early", "stuck", "disagree", "p50 s", "p99 s", "max s")
SHARES = {"p50": 0.5, "p99": 0.99, "max": 1.0}


@dataclass
class Result:
    """A fault and what it showed; `found` is none when it cannot be had here."""

    name: str
    found: Findings | None
    notes: list[str]
    violations: list[str]
    seconds: float


def run_one(name: str, stack: Stack, *, fast: bool, size: int, minutes: float) -> Result:
    """An empty installation for each fault; whatever happens, nothing is left running."""
    began = time.monotonic()
    directory = stack.directory / f"{name}-{time.time():.0f}"
    directory.mkdir(parents=True)
    empty()
    stack.broker.flush()
    system = Installation(directory)
    trial = Trial(stack, system, directory, fast, size, minutes)
    found: Findings | None = None
    try:
        FAULTS[name](trial)
        found = trial.judge()
    except Unavailable as reason:
        trial.notes.append(f"unavailable here: {reason}")
    except Exception as error:
        # The other trials are still worth their time.
        traceback.print_exc()
        trial.wrong.append(f"the trial itself failed: {error!r}")
    finally:
        system.kill()
        if trial.recorder:
            trial.recorder.end()
        trial.after.close()
    violations = trial.wrong + (found.violations if found else [])
    if found and name == "overlap":
        violations += [f"side by side: {text}" for text in found.together]
    return Result(name, found, trial.notes, violations, time.monotonic() - began)


def record(result: Result, file: Path, *, stack: str, fast: bool, extent: str) -> None:
    """Adds a line to the file, as `python -m bench.faults.table` reads it; `late` in seconds, `load` of the machine."""
    found = result.found
    told: dict[str, Any] = {"fault": result.name, "stack": stack, "fast": fast, "at": round(time.time())}
    told |= {"extent": extent} if extent else {}
    told |= {"load": round(os.getloadavg()[1], 1), "notes": result.notes, "violations": result.violations}
    if found:
        told |= {"due": found.expected, "ran": found.ran, "states": dict(found.states)}
        told |= {"late": {name: round(percentile(found.late, share), 2) for name, share in SHARES.items()}}
    with file.open("a") as lines:
        lines.write(json.dumps(told) + "\n")


def heading() -> str:
    return f"{'fault':22}" + "".join(f"{column:>9}" for column in COLUMNS) + "  outcomes"


def line(result: Result) -> str:
    found = result.found
    if found is None:
        return f"{result.name:22} {'; '.join([*result.notes, *result.violations])}"
    absent = len(found.missing) + len(found.unexpected)
    lists = (found.duplicate, found.early, found.stuck, found.disagreement)
    counts = (found.expected, found.ran, absent, *map(len, lists))
    late = [f"{percentile(found.late, share):.2f}" for share in SHARES.values()]
    states = ", ".join(f"{state} {count}" for state, count in sorted(found.states.items()))
    text = f"{result.name:22}" + "".join(f"{value:>9}" for value in (*counts, *late)) + f"  {states}"
    side_by_side = [f"{len(found.together)} side by side"] if found.together else []
    notes = [*result.notes, *side_by_side, f"took {result.seconds:.0f} s"]
    wrong = "".join(f"\n    VIOLATION {violation}" for violation in result.violations[:20])
    return f"{text}\n    {'; '.join(notes)}{wrong}"
