"""Stands for an installed conda: notes how it was called, answers as it was told to, and makes the prefix that it is asked for.

Written next to itself: calls.jsonl (one line per call), answers.json ({"first words of a call": [exit status, what to print]}).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_SCRIPT = """#!{python}
import json, os, sys, time
here = {here!r}
with open(here + "/calls.jsonl", "a") as file:
    file.write(json.dumps({{"argv": sys.argv[1:], "environment": dict(os.environ)}}) + "\\n")
answers = json.load(open(here + "/answers.json"))
call = " ".join(sys.argv[1:])
status, text = next(((s, t) for words, (s, t) in answers.items() if call.startswith(words)), (0, '{{"success": true}}'))
print("Collecting package metadata", file=sys.stderr)
print(text)
if sys.argv[1] == "create" and status == 0:
    prefix = sys.argv[sys.argv.index("--prefix") + 1]
    os.makedirs(prefix + "/conda-meta")
    os.makedirs(prefix + "/bin")
    open(prefix + "/conda-meta/history", "w").close()
    os.symlink({python!r}, prefix + "/bin/python")
    with open(prefix + "/conda-meta/python-3.11.7-0.json", "w") as file:
        json.dump({{"name": "python", "version": "3.11.7", "build": "0", "depends": []}}, file)
sys.exit(status)
"""


class StandIn:
    def __init__(self, directory: Path, name: str = "conda") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self.path = directory / name
        self.path.write_text(_SCRIPT.format(python=str(Path(sys.executable).resolve()), here=str(directory)))
        self.path.chmod(0o755)
        self.answers({})

    def answers(self, answers: dict[str, tuple[int, object]]) -> None:
        """An object is printed as JSON, a text as it is."""
        texts = {words: (s, t if isinstance(t, str) else json.dumps(t)) for words, (s, t) in answers.items()}
        (self._directory / "answers.json").write_text(json.dumps(texts))

    def calls(self) -> list[list[str]]:
        return [one["argv"] for one in self._recorded()]

    def environments(self) -> list[dict[str, str]]:
        return [one["environment"] for one in self._recorded()]

    def _recorded(self) -> list[dict[str, Any]]:
        path = self._directory / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
