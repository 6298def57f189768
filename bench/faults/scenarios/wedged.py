"""Processes that live and do not get on: they end themselves, others tell of it, and they are started anew."""

from __future__ import annotations

import time

from bench.faults.installation import eventually
from bench.faults.trial import Trial
from executions.models import AlertCondition

# Longer than the watchdog of a beat, and than a worker takes to find itself deaf.
BEAT_SECONDS, CONSUMER_SECONDS = 400.0, 300.0
# With a consumer, runs that follow one another have forty to catch up with, while more fall due.
BEAT_AFTERWARDS, CONSUMER_AFTERWARDS = 20.0, 240.0


def beat_wedged(trial: Trial) -> None:
    """a tick of the only beat hangs for ever"""
    _wedge(trial, "beat", "in tick", "beat", BEAT_SECONDS)
    time.sleep(BEAT_AFTERWARDS)


def consumer_wedged(trial: Trial) -> None:
    """the code worker takes a message and never gets on with it; it lives, and its queue waits"""
    _wedge(trial, "code", "in message", "oldest queued", CONSUMER_SECONDS)
    time.sleep(CONSUMER_AFTERWARDS)


def _wedge(trial: Trial, program: str, place: str, watched: str, limit: float) -> None:
    mark = trial.directory / "wedged"
    trial.system.start(*(name for name in ("beat", "io", "code", "system") if name != program), program)
    trial.up()
    trial.mix()
    trial.warm()
    time.sleep(4)
    trial.system[program].end()
    trial.system.start(
        program, BELFRY_FAILPOINT=place, BELFRY_FAILPOINT_MARK=str(mark), BELFRY_FAILPOINT_HANGS="1"
    )
    if not eventually(mark.exists, 60):
        trial.wrong.append(f"the place {place!r} was never reached")
        return
    trial.hurt_at = began = time.time()
    ended = eventually(lambda: trial.system.ended(program), limit, 1.0)
    trial.notes.append(f"{program} ended itself after {time.time() - began:.0f} s")
    if not ended:
        trial.wrong.append(f"the {program} that does not get on is still there after {limit:.0f} s")
        trial.system[program].kill()
    if not trial.system.said(program, "wedged"):
        trial.wrong.append(f"the {program} did not say why it ended")
    seen = AlertCondition.objects.filter(subject=watched, kind=AlertCondition.Kind.SILENT).first()
    if seen is None:
        trial.wrong.append(f"nobody noticed: {watched}")
    elif seen.told_at is not None:
        trial.notes.append(f"told after {seen.told_at.timestamp() - began:.0f} s")
    trial.system.start(program)
    trial.at_work(program)
