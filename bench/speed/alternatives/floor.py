"""The least that firing can cost: `python -m bench.speed.alternatives.floor DUE NOTES`.

A poll of an indexed column; the due rows claimed 500 at a time (FOR UPDATE SKIP LOCKED), their ledger rows inserted and
their next time advanced in one statement; after its commit a message for each. It knows no schedules, rules or retries.
"""

from __future__ import annotations

import os
import sys
import time

import psycopg

from bench.speed.alternatives import bare

TABLES = """
DROP TABLE IF EXISTS floor_run, floor_job;
CREATE TABLE floor_job (id bigserial PRIMARY KEY, next_run_at timestamptz);
CREATE INDEX ON floor_job (next_run_at);
CREATE TABLE floor_run (
    id bigserial PRIMARY KEY, job_id bigint NOT NULL, scheduled_for timestamptz NOT NULL, state text NOT NULL,
    created_at timestamptz NOT NULL, UNIQUE (job_id, scheduled_for)
);
"""
FILL = "INSERT INTO floor_job (next_run_at) SELECT to_timestamp(%s) FROM generate_series(1, %s)"
CLAIM = """
WITH due AS (
    SELECT id, next_run_at FROM floor_job WHERE next_run_at <= clock_timestamp()
    ORDER BY next_run_at LIMIT 500 FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE floor_job SET next_run_at = due.next_run_at + interval '1 hour' FROM due WHERE floor_job.id = due.id
)
INSERT INTO floor_run (job_id, scheduled_for, state, created_at)
SELECT id, next_run_at, 'queued', clock_timestamp() FROM due RETURNING id
"""


def main(due: float, notes: str) -> None:
    with (
        psycopg.connect(os.environ["BENCH_DATABASE"], autocommit=True) as database,
        bare.app.producer_or_acquire() as producer,
    ):
        time.sleep(max(0.0, due - time.time()))
        while claimed := database.execute(CLAIM).fetchall():
            for _ in claimed:
                bare.noop.apply_async((notes,), queue="floor", producer=producer)


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2])
