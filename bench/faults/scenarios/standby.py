"""A failover of PostgreSQL under load: the primary dies, its address leads to the standby, which is promoted later."""

from __future__ import annotations

import shutil
import time

from django.core.management import call_command
from django.db import connection

from bench.faults.network import Line
from bench.faults.trial import Trial, Unavailable
from bench.servers.databases import Postgres
from bench.servers.process import free_port

# So long the address leads to a standby that takes no changes yet.
UNDECIDED = 10


def standby_promoted(trial: Trial) -> None:
    """kill -9 of the primary; its address leads to a synchronous standby, which is promoted 10 s later"""
    primary = trial.stack.database
    if not isinstance(primary, Postgres):
        raise Unavailable("only PostgreSQL has a standby here")
    line = Line(trial.stack.addresses)
    trial.after.callback(line.close)
    trial.system.common |= line.addresses
    standby = primary.standby(trial.directory / "standby", free_port())
    trial.after.callback(_new_primary, primary, standby)

    def hurt() -> None:
        primary.end(primary.hard)
        line.lead_to(primary.port, standby.port)
        time.sleep(UNDECIDED)
        standby.promote()
        _ask(standby.port)

    trial.loses_nothing = True
    trial.under_load(hurt, after=40)


def _ask(port: int) -> None:
    """The bench itself goes on with this server."""
    connection.close()
    connection.settings_dict["PORT"] = port


def _new_primary(primary: Postgres, standby: Postgres) -> None:
    """An empty cluster in the place of the one that died, for the trials that follow."""
    _ask(primary.port)
    standby.end(standby.gentle)
    primary.end(primary.gentle)
    shutil.rmtree(primary.directory)
    primary.start()
    call_command("migrate", verbosity=0, interactive=False)
