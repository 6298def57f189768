"""The faults. Each is a function of a trial; its first line is what the table says of it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

from bench.faults.scenarios import (
    changes,
    commits,
    history,
    incidents,
    limits,
    orders,
    soak,
    standby,
    surroundings,
    times,
    upgrade,
    wedged,
)
from bench.faults.trial import Trial, Unavailable

# A due time that passed no longer ago than this was not missed: it is run whatever the catch-up rule says.
ON_TIME = 60
Fault = Callable[[Trial], None]


def none(trial: Trial) -> None:
    """nothing goes wrong"""
    trial.under_load(lambda: None)


def job_killed(trial: Trial) -> None:
    """kill -9 of a job's process, three times"""

    def hurt() -> None:
        for _ in range(3):
            running = _job_processes(trial)
            if running:
                os.kill(random.choice(running), signal.SIGKILL)
            time.sleep(1.5)

    trial.under_load(hurt)


def worker_killed(trial: Trial) -> None:
    """kill -9 of the worker with all its children; started again after 1 s"""

    def hurt() -> None:
        trial.system["code"].kill()
        time.sleep(1)
        trial.system.start("code")

    trial.under_load(hurt)


def beat_killed(trial: Trial) -> None:
    """kill -9 of the beat in a due second, three times, each time when it was at work again"""

    def hurt() -> None:
        for _ in range(3):
            time.sleep(1 - time.time() % 1 + random.random() * 0.05)
            trial.system["beat"].kill()
            time.sleep(random.random() * 3)
            trial.system.start("beat")
            # On a busy machine a start takes longer than 3 s: killed before its first tick, it would be one long outage.
            trial.at_work("beat")
            time.sleep(3)

    trial.under_load(hurt)


def crash_before_publish(trial: Trial) -> None:
    """the beat crashes between commit and publish"""
    _failpoint(trial, "before publish", "beat")


def crash_before_start(trial: Trial) -> None:
    """the worker crashes between claim and start"""
    _failpoint(trial, "before start", "code")


def crash_before_outcome(trial: Trial) -> None:
    """the worker crashes between a run's end and its outcome"""
    _failpoint(trial, "before outcome", "code")


def two_beats(trial: Trial) -> None:
    """two beats, one of them frozen for 90 s (--fast: 40 s) and back"""

    def hurt() -> None:
        trial.system["beat"].freeze()
        time.sleep(40 if trial.fast else 90)
        trial.system["beat"].thaw()

    trial.system.start("beat-2")
    trial.under_load(hurt)


def five_beats(trial: Trial) -> None:
    """five beats at once, two of them killed"""

    def hurt() -> None:
        trial.system["beat"].kill()
        trial.system["beat-3"].kill()

    trial.system.start("beat-2", "beat-3", "beat-4", "beat-5")
    trial.under_load(hurt, before=8)


def broker_restarted(trial: Trial) -> None:
    """the broker is killed and started again, five times"""

    def hurt() -> None:
        for _ in range(5):
            trial.stack.broker.kill()
            time.sleep(random.random() * 2)
            trial.stack.broker.start()
            time.sleep(2)

    trial.under_load(hurt)


def broker_flushed(trial: Trial) -> None:
    """the broker forgets everything, three times"""

    def hurt() -> None:
        for _ in range(3):
            trial.stack.broker.flush()
            time.sleep(1.3)

    trial.under_load(hurt)


def broker_hung(trial: Trial) -> None:
    """the broker hangs for 120 s (--fast: 20 s)"""

    def hurt() -> None:
        trial.stack.broker.freeze()
        time.sleep(20 if trial.fast else 120)
        trial.stack.broker.thaw()

    # Runs that follow one another have 30 to catch up with after 120 s, which takes them longer than a minute.
    trial.under_load(hurt, after=12 if trial.fast else 60)


def broker_absent(trial: Trial) -> None:
    """the broker is not there at start, and comes 15 s later"""
    trial.stack.broker.end()
    trial.mix()
    trial.system.start()
    time.sleep(15)
    trial.stack.broker.start()
    trial.warm()
    time.sleep(15)


def database_restarted(trial: Trial) -> None:
    """the database is killed under load and started again, twice"""
    database = trial.stack.database
    if database is None:
        raise Unavailable("SQLite has no server")

    def hurt() -> None:
        for number in (database.gentle, database.hard):
            database.end(number)
            time.sleep(2 + random.random() * 4)
            database.start()
            time.sleep(5)

    trial.loses_nothing = True
    trial.under_load(hurt, after=20)


def deploy(trial: Trial) -> None:
    """TERM for everything in mid-run, then new processes"""

    def hurt() -> None:
        trial.system.stop()
        trial.system.start()

    trial.under_load(hurt)


def power_cut(trial: Trial) -> None:
    """kill -9 of everything, the broker included; back after 10 s"""

    def hurt() -> None:
        trial.system.kill()
        trial.stack.broker.kill()
        time.sleep(10)
        trial.stack.broker.start()
        trial.system.start()

    trial.under_load(hurt, after=20)


def down_six_hours(trial: Trial) -> None:
    """everything down for 6 h, each catch-up rule"""
    _down(trial, 6 * 3600)


def down_three_days(trial: Trial) -> None:
    """everything down for 3 days, each catch-up rule"""
    _down(trial, 3 * 86400)


def _failpoint(trial: Trial, name: str, program: str) -> None:
    """The program crashes once there, and is started again as the supervisor would do."""
    mark = trial.directory / "crashed"
    others = [other for other in ("beat", "io", "code", "system") if other != program]
    trial.system.start(*others, program)
    trial.up()
    trial.mix()
    trial.warm()
    time.sleep(4 + random.random() * 2)
    trial.system[program].end()
    trial.system.start(program, BELFRY_FAILPOINT=name, BELFRY_FAILPOINT_MARK=str(mark))
    deadline = time.monotonic() + 40
    while not trial.system.ended(program) and time.monotonic() < deadline:
        time.sleep(0.1)
    trial.hurt_at = time.time()
    if not mark.exists():
        trial.wrong.append(f"the place {name!r} was never reached")
    trial.system[program].kill()
    time.sleep(1)
    trial.system.start(program)
    time.sleep(12)


def _job_processes(trial: Trial) -> list[int]:
    """The innermost processes of the code worker's family: those that run the jobs' code."""
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(trial.system.pid("code")).children(recursive=True)
        return [process.pid for process in family if not process.children()]
    return []


def _down(trial: Trial, seconds: int) -> None:
    deadlines = {"hour": 3600, "day": 86400}
    for rule in ("skip", "last", "all"):
        for label, deadline in deadlines.items():
            trial.job(f"{rule} {label} hourly", 3600, back=seconds, catch_up=rule, start_deadline=deadline)
        trial.job(f"{rule} minutely", 60, back=seconds, catch_up=rule, overlap="queue")
    began = time.time()
    trial.system.start()
    trial.warm()
    time.sleep(25)
    starts: dict[str, int] = {}
    for trace in trial.read_traces():
        if trace.event == "start" and trace.slot < began - ON_TIME:
            starts[trace.job] = starts.get(trace.job, 0) + 1
    for name, count in sorted(starts.items()):
        most = {"skip": 0, "last": 1, "all": 100}[name.split()[0]]
        if count > most:
            trial.wrong.append(f"{name} ran {count} times for due times long past, allowed are {most}")
    trial.notes.append("caught up: " + ", ".join(f"{name} {count}" for name, count in sorted(starts.items())))


OWN = (
    none,
    job_killed,
    worker_killed,
    beat_killed,
    crash_before_publish,
    crash_before_start,
    crash_before_outcome,
    two_beats,
    five_beats,
    broker_restarted,
    broker_flushed,
    broker_hung,
    broker_absent,
    database_restarted,
    deploy,
    power_cut,
    down_six_hours,
    down_three_days,
)
OF_PEOPLE = (
    changes.overlap,
    changes.changed_while_queued,
    changes.changed_while_running,
    changes.changed_without_beat,
    changes.poison,
    changes.backlog,
    changes.broken_rows,
    orders.hold,
    orders.drain,
    orders.deploy_long,
    incidents.one_incident,
)
OUTSIDE = (
    upgrade.upgrade,
    wedged.beat_wedged,
    wedged.consumer_wedged,
    limits.threads_used_up,
    limits.descriptors_used_up,
    standby.standby_promoted,
    history.long_job_deleted,
    surroundings.web_killed,
    surroundings.database_down,
    surroundings.database_full,
    commits.commit_answers_lost,
    commits.database_read_only,
    surroundings.worker_cut_off,
    surroundings.worker_disconnected,
    surroundings.worker_frozen,
    surroundings.server_stopped,
    surroundings.broker_impatient,
    surroundings.disk_full,
    times.clock_forward,
    times.clock_back,
    *(times.apart(seconds) for seconds in times.APART),
    *(times.night(name) for name in times.NIGHTS),
)
FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", "-"): fault for fault in (*OWN, *OUTSIDE, *OF_PEOPLE, soak.soak)
}
# Asked for by name only: it takes as long as one likes.
ON_REQUEST = {"soak"}
