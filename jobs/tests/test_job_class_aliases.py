"""Names of classes that inherited jobs carry run the classes that ship with Belfry."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from jobs.runners import clean_options
from scheduler_site.lib import env

from .running import run_class

OLD = "simple_scheduler.jobs.sample_job.AwesomeJob"


def test_an_inherited_name_runs_our_class_and_keeps_its_name() -> None:
    outcome, _log = run_class(OLD, "a", "b")
    assert (outcome.state, outcome.target) == ("success", OLD)
    assert json.loads(outcome.result or "") == ["a", "b"]


def test_a_job_with_an_inherited_name_can_be_saved() -> None:
    assert clean_options("python_class", {"job_class": OLD}) == {"job_class": OLD}


def test_an_alias_leads_nowhere_that_is_not_allowed(settings: Settings) -> None:
    settings.JOB_CLASS_ALIASES = {"old.Job": "os.system"}
    outcome, _log = run_class("old.Job", "true")
    assert outcome.state == "error"
    assert "allowed packages" in outcome.message


def test_every_alias_names_a_class_that_ships(settings: Settings) -> None:
    for old in settings.JOB_CLASS_ALIASES:
        assert clean_options("python_class", {"job_class": old}) == {"job_class": old}


def test_more_aliases_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOB_CLASS_ALIASES", "a.B=c.D, e.F = g.H")
    assert env.pairs("JOB_CLASS_ALIASES") == {"a.B": "c.D", "e.F": "g.H"}
    monkeypatch.setenv("JOB_CLASS_ALIASES", "a.B")
    with pytest.raises(ImproperlyConfigured, match="is not of the form"):
        env.pairs("JOB_CLASS_ALIASES")
