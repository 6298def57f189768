"""Not a fault: 200 jobs a minute for a long time, and how late they start."""

from __future__ import annotations

import time

from bench.faults.checker import percentile
from bench.faults.trial import Trial

WEBHOOKS, CODE = 150, 50


def soak(trial: Trial) -> None:
    """200 jobs a minute for --minutes: 150 webhooks, 50 Python classes; aim: p99 of lateness at most 2 s"""
    trial.system.start()
    trial.up("beat", "io", "code")
    trial.webhooks(WEBHOOKS, every=60, seconds=0.2)
    for number in range(CODE):
        trial.job(f"code {number}", 60, ahead=3 + number * 60 // CODE)
    time.sleep(trial.minutes * 60 + 3)
    starts = [trace for trace in trial.read_traces() if trace.event == "start"]
    for kind in ("webhook", "code"):
        late = [trace.at - trace.slot for trace in starts if trace.job.startswith(kind)]
        shares = ", ".join(f"{name} {percentile(late, share):.2f}" for name, share in SHARES.items())
        trial.notes.append(f"{kind}: {len(late)} runs, late {shares} s")


SHARES = {"p50": 0.5, "p99": 0.99, "max": 1.0}
