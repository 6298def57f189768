"""The audit of dependencies fails for what is known, and for nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploy import supply_chain

KNOWN = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
SOUND = {"name": "new", "version": "2.0", "vulns": []}
UNKNOWN = {"name": "own", "skip_reason": "Dependency not found on PyPI"}


def judged(*packages: Any) -> int:
    return supply_chain.judged(json.dumps({"dependencies": packages, "fixes": []}), "")


def test_a_known_vulnerability_fails_and_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(SOUND, KNOWN, UNKNOWN) == 1
    assert "old 1.0: PYSEC-1, fixed in 1.1" in capsys.readouterr().out


def test_without_one_nothing_fails() -> None:
    assert judged(SOUND, UNKNOWN) == 0


def test_a_package_that_is_not_known_is_named_and_keeps_no_other_from_being_audited(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert judged(UNKNOWN, KNOWN, SOUND) == 1
    first, *others = capsys.readouterr().out.splitlines()
    assert first == "skipped, audit: nothing is known of 1 of 3 packages, the others were audited: own"
    assert others == [
        "old 1.0: PYSEC-1, fixed in 1.1",
        "2 of 3 packages were audited, 1 known vulnerabilities",
    ]


def test_an_index_without_advisories_is_not_blamed_on_one_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(UNKNOWN, UNKNOWN | {"name": "second"}) == 0
    assert capsys.readouterr().out.startswith(
        "skipped, audit: the index has no advisories for any of the 2 packages ("
    )


@pytest.mark.parametrize("answer", ["", "no JSON", "{}", json.dumps({"dependencies": [UNKNOWN]})])
def test_without_an_answer_it_is_skipped_and_says_so(answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert supply_chain.judged(answer, "Traceback\nConnectionError: no route") == 0
    assert capsys.readouterr().out.startswith("skipped, audit: ")


def test_without_the_tools_it_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing() -> None:
        raise OSError("no index")

    monkeypatch.setattr(supply_chain, "prepare", nothing)
    assert supply_chain.main("sbom") == 0
    assert capsys.readouterr().out == "skipped, sbom: no index\n"
