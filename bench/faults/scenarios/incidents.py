"""One job fails a thousand times while its workers are killed: there must be one incident."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Any

from audit.record import Actor
from bench.faults.installation import eventually
from bench.faults.trial import Trial
from bench.servers.process import Server, free_port, wait_for_port
from executions.models import OPEN, Execution
from incidents import rule_verbs
from incidents.models import Incident
from jobs.models import Job
from notifications.models import Alert

NAME = "fails"
FAILURES, FEW = 1000, 60
FAILED = ("failed", "timeout", "error")
MINUTE = 60.0


def one_incident(trial: Trial) -> None:
    """1,000 failures of one job (--fast: 60) on two workers that are killed in turn, then it recovers"""
    wanted = FEW if trial.fast else FAILURES
    rule_verbs.set_reminders({"email": 1, "inbox": 0, "slack": 0}, by=Actor.system())
    trial.system.start("beat", "io", "io-2", "code", "system")
    trial.up("beat", "io")
    port = free_port()
    options = {"target_url": f"http://127.0.0.1:{port}/{NAME}/0", "method": "POST"}
    mail: dict[str, Any] = {"enable_email_notifications": True, "notification_emails": ["ops@example.com"]}
    job = trial.job(NAME, 1, watch=False, kind=Job.Kind.WEBHOOK, options=options, **mail)
    _fail(trial, wanted)
    # From now on somebody answers.
    argv = (sys.executable, "-m", "bench.faults.recorder", str(port), str(trial.traces))
    trial.recorder = Server(argv, trial.directory / "recorder.log")
    trial.recorder.start()
    wait_for_port(port)
    if not eventually(lambda: not Incident.objects.open().filter(job_uid=job.uid).exists(), 120, 1.0):
        trial.wrong.append("an incident of the job is open though it runs well")
    Job.objects.filter(pk=job.pk).update(next_run_at=None)
    eventually(lambda: not Execution.objects.filter(state__in=OPEN).exists(), 60, 1.0)
    _judge(trial, job)


def _fail(trial: Trial, wanted: int) -> None:
    """Until it has failed so often; now this worker is killed, now that one, each started again a second later."""
    names, killed = ("io", "io-2"), 0
    pause = 8.0 if trial.fast else 60.0
    deadline = time.monotonic() + 4 * wanted + 120
    again = time.monotonic() + pause
    while Execution.objects.filter(state__in=FAILED).count() < wanted and time.monotonic() < deadline:
        time.sleep(1)
        if time.monotonic() >= again:
            name = names[killed % 2]
            trial.hurt_at = time.time()
            trial.system[name].kill()
            time.sleep(1)
            trial.system.start(name)
            killed += 1
            again = time.monotonic() + pause
    trial.notes.append(f"{killed} kills")


def _judge(trial: Trial, job: Job) -> None:
    """What the ledger has against what incidents and alerts have."""
    runs = Execution.objects.filter(job_uid=job.uid)
    failed = runs.filter(state__in=FAILED).count()
    incidents = list(Incident.objects.filter(job_uid=job.uid, kind=Incident.Kind.FAILING))
    trial.notes.append(f"{failed} failures, {runs.filter(state='lost').count()} runs lost")
    if len(incidents) != 1:
        trial.wrong.append(f"{len(incidents)} incidents of failing, expected is 1")
        return
    (incident,) = incidents
    if incident.count != failed:
        trial.wrong.append(f"the incident counts {incident.count} of {failed} failures")
    told = Counter(Alert.objects.filter(thread=f"incident:{incident.uid}").values_list("phase", "channel"))
    for phase in ("opened", "recovered"):
        for channel in ("email", "inbox"):
            if told[phase, channel] != 1:
                trial.wrong.append(f"{told[phase, channel]} messages {phase} by {channel}, expected is 1")
    lasted = (incident.closed_at or incident.last_at) - (incident.announced_at or incident.opened_at)
    due, reminders = int(lasted.total_seconds() // MINUTE), told["reminded", "email"]
    # Of reminders that fall into a turn that nobody took only the newest is sent.
    if not due - 1 <= reminders <= due:
        trial.wrong.append(f"{reminders} reminders, by plan {due}")
    trial.notes.append(f"one incident of {incident.count}, {reminders} reminders in {lasted}")
