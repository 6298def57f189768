"""How many files and sockets a process may have open (getrlimit(2)).

The usual soft limit of 1,024 is there for programs that use select(2); a worker that waits for a thousand answers needs more.
What it starts gets the old limit back.
"""

from __future__ import annotations

import logging
import resource

log = logging.getLogger(__name__)

# More is never needed, and some systems allow a thousand million.
ENOUGH = 65536
# What a process has open besides its runs: connections, pipes, libraries.
OTHERS = 200

_before = resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_limit() -> int:
    """Raises the soft limit as far as is allowed, and returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def slots() -> int:
    """For how many waiting runs at once there are descriptors, after raising the limit; one each, and some to spare."""
    limit = raise_limit()
    if limit == resource.RLIM_INFINITY:
        return ENOUGH
    if (free := limit - OTHERS) < OTHERS:
        log.warning("few_descriptors", extra={"limit": limit})
    return max(free, 1)


def restore_limit(pid: int) -> None:
    """Gives a process that this one has started the soft limit that this one had."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (_before, hard))
