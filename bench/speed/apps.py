"""Registers the bench's kinds of job in every program that runs with the bench's settings, and in no other."""

from __future__ import annotations

from django.apps import AppConfig


class SpeedConfig(AppConfig):
    name = "bench.speed"
    label = "bench_speed"

    def ready(self) -> None:
        from bench.speed.noop import NoopCode, NoopIO
        from jobs.runners import RUNNERS

        RUNNERS.update({runner.kind: runner for runner in (NoopIO(), NoopCode())})
