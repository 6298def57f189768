"""`python -m bench.faults.table FILE...`: the newest record of each fault and stack as a table in Markdown.

The files are what `python -m bench.faults --record FILE` wrote. A cell shows how many of the due times ran and the largest
delay of a start in seconds; * without `--fast`; what broke a guarantee by its kind. With `--into DOCUMENT` the cells are put
into the table that is there, and those without a record stay.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

STACKS = {"sqlite": "S", "postgres-redis": "PR", "mariadb-redis": "MR", "postgres-rabbitmq": "PQ"}
# Delays of due times that the trial itself put into the past say nothing.
LONG_PAST = 600
Record = dict[str, Any]
# How often due times came to an end, at least and at most.
Spans = dict[str, tuple[int, int]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.faults.table", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--into", type=Path, metavar="DOCUMENT", help="puts the cells into the table there")
    options = parser.parse_args()
    records = [json.loads(line) for file in options.files for line in file.read_text().splitlines()]
    if options.into:
        options.into.write_text(merged(options.into.read_text(), records))
    else:
        print("\n".join(table(records)))


def table(records: Iterable[Record]) -> list[str]:
    """Rows in the order of the first record of each fault."""
    heads = [f"| fault | {' | '.join(STACKS.values())} | instead of running |", "|---" * 6 + "|"]
    return heads + [_row(fault, by_stack) for fault, by_stack in _newest(records).items()]


def merged(document: str, records: Iterable[Record]) -> str:
    """The document with what was recorded in the rows of its table."""
    cells, lines = _newest(records), document.split("\n")
    for number, line in enumerate(lines):
        fault, *old = [cell.strip() for cell in line.strip("|").split("|")]
        if len(old) == len(STACKS) + 1 and fault in cells:
            lines[number] = _row(fault, cells[fault], old)
    return "\n".join(lines)


def _newest(records: Iterable[Record]) -> dict[str, dict[str, Record]]:
    """By fault, then by stack."""
    cells: dict[str, dict[str, Record]] = {}
    for record in sorted(records, key=lambda record: record["at"]):
        cells.setdefault(record["fault"], {})[record["stack"]] = record
    return cells


def _row(fault: str, by_stack: Mapping[str, Record], old: Sequence[str] = ("",) * 5) -> str:
    """`old`: what the cells without a record show."""
    *cells, ends = old
    kept = {stack: cell for stack, cell in zip(STACKS, cells, strict=True) if stack not in by_stack}
    shown = [kept[stack] if stack in kept else _cell(by_stack[stack]) for stack in STACKS]
    spans = _spans(by_stack.values())
    if set(kept.values()) - {"", "n/a"}:
        spans = _widened(_read_spans(ends), spans)
    return f"| {fault} | {' | '.join(shown)} | {_instead(spans)} |"


def _cell(record: Record) -> str:
    if "due" not in record:
        return "n/a" if record["notes"] and not record["violations"] else "failed"
    late = record["late"]["max"]
    text = f"{record['ran']}/{record['due']}" + (f" · {late:.1f}" if late < LONG_PAST else "")
    broken = Counter(violation.partition(":")[0] for violation in record["violations"])
    text += "".join(f", {count} {kind}" for kind, count in broken.items())
    return text + (f" ({record['extent']})" if record.get("extent") else " *" * (not record["fast"]))


def _spans(records: Iterable[Record]) -> Spans:
    """How often the due times came to another end than success, over the stacks."""
    states = [record["states"] for record in records if "due" in record]
    names = sorted({name for one in states for name in one} - {"success"})
    counts = {_plain(name): [one[name] for one in states if name in one] for name in names}
    return {name: (min(found), max(found)) for name, found in counts.items()}


def _read_spans(text: str) -> Spans:
    found = re.findall(r"(\d+)(?:–(\d+))? ([^,]+)", text)
    return {name: (int(low), int(high or low)) for low, high, name in found}


def _widened(old: Spans, new: Spans) -> Spans:
    both = {name: [*old.get(name, ()), *new.get(name, ())] for name in {**old, **new}}
    return {name: (min(counts), max(counts)) for name, counts in both.items()}


def _instead(spans: Spans) -> str:
    return ", ".join(
        f"{low}–{high} {name}" if low < high else f"{low} {name}" for name, (low, high) in spans.items()
    )


def _plain(name: str) -> str:
    """`skipped/coalesced` is *coalesced*, `lost/shutdown` is *lost (shutdown)*."""
    state, _, reason = name.partition("/")
    reason = reason.replace("_", " ")
    if reason in ("", state):
        return state
    return reason if state in ("skipped", "missed") else f"{state} ({reason})"


if __name__ == "__main__":
    main()
