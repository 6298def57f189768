"""Faults of what Belfry stands on: the network, the database, the disk; and of the web in front of it."""

from __future__ import annotations

import json
import random
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.db import connection, connections
from django.db.utils import DatabaseError

from bench.faults.installation import eventually
from bench.faults.network import How, Line
from bench.faults.trial import Trial, Unavailable
from bench.servers.brokers import RabbitMQ
from bench.servers.process import Server
from executions.models import Execution, State

HAUL = "long haul"


def web_killed(trial: Trial) -> None:
    """kill -9 of the web, three times, while runs are asked for over the API"""
    listener = socket.create_server(("127.0.0.1", 0))
    trial.after.callback(listener.close)
    job, done = trial.by_hand("asked for"), threading.Event()
    answers: list[str] = []
    asking = threading.Thread(target=_ask, args=(listener.getsockname()[1], str(job.uid), answers, done))

    def hurt() -> None:
        asking.start()
        for _ in range(3):
            time.sleep(2 + random.random())
            trial.system["web"].kill()
            trial.system.serve(listener.fileno())
        time.sleep(6)
        done.set()
        asking.join(60)

    trial.system.serve(listener.fileno())
    trial.under_load(hurt)
    _compare_answers(trial, answers)


def database_down(trial: Trial) -> None:
    """the database is down for 90 s (--fast: 60 s); what runs goes on"""
    database, seconds = _database(trial), 60 if trial.fast else 90

    def hurt() -> None:
        _wait_for_haul(trial)
        database.end(database.gentle)
        time.sleep(seconds)
        database.start()

    trial.loses_nothing = True
    trial.job(HAUL, 600, seconds=seconds + 25)
    trial.under_load(hurt, after=45)
    connection.close()  # it broke with the server
    run = Execution.objects.filter(job_name=HAUL).order_by("id").first()
    if run is None or run.state != State.SUCCESS:
        trial.wrong.append(f"{HAUL} is {run and run.state}, though nobody but the database was away")


def database_full(trial: Trial) -> None:
    """somebody else holds all connections of the database for 30 s, right after its restart"""
    database = _database(trial)

    def hurt() -> None:
        connection.close()
        database.end(database.hard)
        database.start()
        taken = _take_connections(30)
        trial.notes.append(f"{len(taken)} connections taken")
        for one in taken:
            one.close()

    trial.loses_nothing = True
    trial.under_load(hurt, after=20)


def worker_cut_off(trial: Trial) -> None:
    """a worker loses touch with broker and database for 90 s (connections hang) and is back"""
    _cut_off(trial, "hangs")


def worker_disconnected(trial: Trial) -> None:
    """the same, with connections that break and new ones that are refused"""
    _cut_off(trial, "breaks")


def worker_frozen(trial: Trial) -> None:
    """a worker (not its children) is frozen for 90 s and back"""

    def hurt() -> None:
        _wait_for_haul(trial)
        trial.hurt_at = time.time()
        trial.system["code"].freeze()
        trial.system.start("code-2")
        time.sleep(90)
        trial.system["code"].thaw()

    trial.job(HAUL, 600, seconds=70)
    trial.under_load(hurt, after=15)
    # Its process ended meanwhile.
    _was_given_up(trial, "lease_over", "outcome_refused")


def server_stopped(trial: Trial) -> None:
    """the processes that start the code of jobs are stopped (SIGSTOP), twice; nobody lets them go on"""

    def hurt() -> None:
        for _ in range(2):
            servers = trial.system.starters("code")
            for server in servers:
                server.suspend()
            if not servers:
                trial.wrong.append("the worker has no server that could be stopped")
            time.sleep(25)

    trial.under_load(hurt, after=20)


def broker_impatient(trial: Trial) -> None:
    """RabbitMQ closes the channel of a worker in whose hands messages wait for 60 s behind long runs"""
    broker = trial.stack.broker
    if not isinstance(broker, RabbitMQ):
        raise Unavailable("only RabbitMQ limits how long a message may be held")
    broker.end()
    broker.config = "[{rabbit, [{consumer_timeout, 60000}, {channel_tick_interval, 5000}]}]."
    broker.start()
    trial.after.callback(setattr, broker, "config", "[].")
    trial.system.start()
    trial.up()
    for number in range(settings.WORKER_CODE_SLOTS):
        # The first goes on for longer: the others' slots must not stay empty until it has ended.
        trial.job(f"{HAUL} {number}", 600, seconds=100 if number else 160)
    trial.warm()
    time.sleep(3)
    trial.job("behind them", 5)
    time.sleep(125)
    closed = broker.log_text().count("Timeout value used")
    trial.notes.append(f"{closed} channels were closed for it")
    if not closed:
        trial.wrong.append("no channel was closed")
    if trial.system.ended("code"):
        trial.wrong.append("the worker ended")


def disk_full(trial: Trial) -> None:
    """the disk of DATA_DIR is full for 20 s, under load"""
    if trial.stack.database is not None:
        raise Unavailable("DATA_DIR matters with SQLite and the embedded broker only")
    _small_disk(trial, settings.DATA_DIR, "32m")
    rest = settings.DATA_DIR / "rest"

    def hurt() -> None:
        with suppress(OSError), rest.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        time.sleep(20)
        rest.unlink()

    trial.under_load(hurt, after=25)


def _cut_off(trial: Trial, how: How) -> None:
    _database(trial)
    line = Line(trial.stack.addresses)
    trial.after.callback(line.close)
    trial.job(HAUL, 600, seconds=75)
    trial.system.start("beat", "io", "system")
    trial.system.start("code", WORKER_ALONE_SECONDS="30", **line.addresses)
    trial.up()
    trial.mix()
    _wait_for_haul(trial)
    time.sleep(3 + random.random() * 2)
    trial.hurt_at = time.time()
    line.cut(how)
    trial.system.start("code-2")
    time.sleep(90)
    line.mend()
    time.sleep(20)
    _was_given_up(trial, "lease_over")
    if any(line["job"] == HAUL and line["event"] == "end" for line in trial.trace_lines()):
        trial.wrong.append(f"{HAUL} went on to its end beside those that took its place")


def _wait_for_haul(trial: Trial) -> None:
    if not eventually(lambda: any(line["job"] == HAUL for line in trial.trace_lines()), 30):
        trial.wrong.append(f"{HAUL} did not start")


def _was_given_up(trial: Trial, *events: str) -> None:
    """The run of the worker that was out of touch stays what the reconciler made of it, and the worker knows."""
    run = Execution.objects.filter(job_name=HAUL).order_by("id").first()
    if run is None or run.state != State.LOST:
        trial.wrong.append(f"{HAUL} is {run and run.state}, not lost")
        return
    said = [line for event in events for line in trial.system.said("code", event) if f"run={run.uid}" in line]
    if not said:
        trial.wrong.append(f"the worker said none of {', '.join(events)} of {HAUL}")
    trial.notes.append(f"{HAUL}: {' '.join(said[0].split()[:3]) if said else 'nothing said'}")


def _database(trial: Trial) -> Server:
    if trial.stack.database is None:
        raise Unavailable("SQLite is a file, it has no server")
    return trial.stack.database


def _take_connections(seconds: float) -> list[Any]:
    """All that the server has, and each that somebody else lets go meanwhile."""
    taken: list[Any] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        other = connections.create_connection("default")
        try:
            other.ensure_connection()
            taken.append(other)
        except DatabaseError:
            time.sleep(0.05)
    return taken


def _small_disk(trial: Trial, directory: Path, size: str) -> None:
    """Moves a directory to a file system of its own until the trial is over; raises Unavailable."""
    aside = directory.with_name(f"{directory.name}-aside")
    connection.close()
    trial.stack.broker.end()
    directory.rename(aside)
    directory.mkdir()

    def back() -> None:
        connection.close()
        trial.stack.broker.end()
        subprocess.run(["umount", directory], check=False, capture_output=True)
        shutil.rmtree(directory, ignore_errors=True)
        aside.rename(directory)
        trial.stack.broker.start()

    trial.after.callback(back)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory], capture_output=True, text=True
    )
    if mounted.returncode:
        raise Unavailable(f"mount -t tmpfs: {mounted.stderr.strip()}")
    shutil.copytree(aside, directory, dirs_exist_ok=True)
    trial.stack.broker.start()


def _ask(port: int, job: str, answers: list[str], done: threading.Event) -> None:
    """Asks for a run, again and again; notes the run of each answer, or what came instead."""
    url = f"http://127.0.0.1:{port}/api/jobs/{job}/execute"
    head = {"Authorization": f"Bearer {_token()}", "Connection": "close"}
    while not done.is_set():
        try:
            answer = requests.post(url, json={}, headers=head, timeout=15)
            told = answer.json()["execution"]["id"] if answer.ok else f"status {answer.status_code}"
        except (requests.RequestException, json.JSONDecodeError) as error:
            told = type(error).__name__
        answers.append(told)
        time.sleep(0.1)


def _token() -> str:
    """Of an admin whom the trial makes for itself."""
    from accounts.models import User
    from accounts.signin.json_web_tokens import issue

    user, _ = User.objects.get_or_create(username="bench", defaults={"role": User.Role.ADMIN})
    user.set_unusable_password()
    user.save()
    token, _ = issue(user)
    connection.close()
    return token


def _compare_answers(trial: Trial, answers: list[str]) -> None:
    """An answered call has run once; one without an answer once or not at all."""
    eventually(
        lambda: not Execution.objects.filter(job_name="asked for", state__in=["queued", "running"]).exists(),
        30,
    )
    starts = Counter(
        line["run"] for line in trial.trace_lines() if line["job"] == "asked for" and line["event"] == "start"
    )
    runs = [str(uid) for uid in Execution.objects.filter(job_name="asked for").values_list("uid", flat=True)]
    told = [answer for answer in answers if "-" in answer]
    trial.wrong += [f"asked for {run}: ran {starts[run]} times" for run in runs if starts[run] > 1]
    trial.wrong += [f"asked for {run}: answered, ran {starts[run]} times" for run in told if starts[run] != 1]
    others = Counter(answer for answer in answers if "-" not in answer)
    trial.notes.append(
        f"{len(answers)} calls, {len(told)} answered, {sum(starts.values())} runs, {dict(others)}"
    )
