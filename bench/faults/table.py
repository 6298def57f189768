"""`python -m bench.faults.table FILE...`: the newest record of each fault and stack as a table in Markdown.

The files are what `python -m bench.faults --record FILE` wrote. A cell shows how many of the due times ran and the largest
delay of a start in seconds; * without `--fast`; what broke a guarantee by its kind.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

STACKS = {"sqlite": "S", "postgres-redis": "PR", "mariadb-redis": "MR", "postgres-rabbitmq": "PQ"}
# Delays of due times that the trial itself put into the past say nothing.
LONG_PAST = 600
Record = dict[str, Any]


def main() -> int:
    lines = [line for name in sys.argv[1:] for line in Path(name).read_text().splitlines()]
    print("\n".join(table([json.loads(line) for line in lines])))
    return 0


def table(records: Iterable[Record]) -> list[str]:
    """Rows in the order of the first record of each fault."""
    cells: dict[str, dict[str, Record]] = {}
    for record in sorted(records, key=lambda record: record["at"]):
        cells.setdefault(record["fault"], {})[record["stack"]] = record
    rows = [f"| fault | {' | '.join(STACKS.values())} | instead of running |", "|---" * 6 + "|"]
    for fault, by_stack in cells.items():
        shown = [_cell(by_stack.get(stack)) for stack in STACKS]
        rows.append(f"| {fault} | {' | '.join(shown)} | {_instead(by_stack.values())} |")
    return rows


def _cell(record: Record | None) -> str:
    if record is None:
        return ""
    if "due" not in record:
        return "n/a" if record["notes"] and not record["violations"] else "failed"
    late = record["late"]["max"]
    text = f"{record['ran']}/{record['due']}" + (f" · {late:.1f}" if late < LONG_PAST else "")
    broken = Counter(violation.partition(":")[0] for violation in record["violations"])
    return text + "".join(f", {count} {kind}" for kind, count in broken.items()) + " *" * (not record["fast"])


def _instead(records: Iterable[Record]) -> str:
    """How often the due times came to another end than success, as a range over the stacks."""
    states = [record["states"] for record in records if "due" in record]
    names = sorted({name for one in states for name in one} - {"success"})
    counts = {name: [one[name] for one in states if name in one] for name in names}
    spans = {name: f"{min(found)}–{max(found)}" if min(found) < max(found) else str(found[0])
             for name, found in counts.items()}  # fmt: skip
    return ", ".join(f"{span} {_plain(name)}" for name, span in spans.items())


def _plain(name: str) -> str:
    """`skipped/coalesced` is *coalesced*, `lost/shutdown` is *lost (shutdown)*."""
    state, _, reason = name.partition("/")
    reason = reason.replace("_", " ")
    if reason in ("", state):
        return state
    return reason if state in ("skipped", "missed") else f"{state} ({reason})"


if __name__ == "__main__":
    sys.exit(main())
