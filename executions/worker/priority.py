"""Claims when jobs have priorities: as many runs as there are messages, but those with the highest priority."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from executions.values import Claim

log = logging.getLogger("executions.worker.priority")

# How often a claim looks for other runs in place of those that it did not get.
ROUNDS = 5


class QueueMessages(Protocol):
    """The runs of one queue that messages name."""

    uids: Sequence[str]
    queue: str


def claim(
    wanted: Sequence[QueueMessages],
    first: Callable[[str, int, Sequence[str]], list[str]],
    ask: Callable[[Sequence[str]], list[Claim]],
) -> list[Claim]:
    """The claims; each of the messages names its part of them then.

    first: the ids of at most so many runs of a queue whose turn it is, without those that were tried. ask: claims runs.
    What `ask` raises is raised only where nothing was claimed: the rest is announced again.
    """
    counts, mine = Counter[str](), dict[str, list[Claim]]()
    for one in wanted:
        counts[one.queue] += len(one.uids)
    try:
        for queue, count in counts.items():
            _fill(mine.setdefault(queue, []), count, partial(first, queue), ask)
    except Exception:
        if not any(mine.values()):
            raise
        log.exception("claim_failed")
    found = [one for theirs in mine.values() for one in theirs]
    for message in wanted:
        count, left = len(message.uids), mine.get(message.queue, [])
        message.uids, mine[message.queue] = [one.uid for one in left[:count]], left[count:]
    return found


def _fill(
    mine: list[Claim],
    count: int,
    first: Callable[[int, Sequence[str]], list[str]],
    ask: Callable[[Sequence[str]], list[Claim]],
) -> None:
    """Again where another worker was faster, or a run has no place: a message that starts nothing would leave one of the
    others without any."""
    tried: list[str] = []
    for _round in range(ROUNDS):
        uids = first(count - len(mine), tried)
        if not uids:
            return
        tried += uids
        mine += ask(uids)
        if len(mine) >= count:
            return
