"""How long a client may take, and how much it may send. Seconds and bytes."""

from __future__ import annotations

# From the first moment of a connection, or the first byte of a later request, until its headers are there.
HEADER_SECONDS = 10.0
# For a client that sends a refused body: time to read the answer.
LINGER_SECONDS = 3.0
# Between two requests of a connection; longer than proxies keep theirs (nginx: 60 s), so that they end first.
IDLE_SECONDS = 75
# Between two pieces of a body, and for all of it.
BODY_PAUSE_SECONDS, BODY_SECONDS = 20.0, 120.0
# Until a client has taken 64 KiB of an answer.
WRITE_SECONDS = 30.0

REQUEST_LINE, HEADER_FIELD, HEADER_FIELDS = 4094, 8190, 100
HEADERS = 64 * 1024
# A body of this size is kept in memory, a larger one in a file.
BODY_IN_MEMORY = 64 * 1024
# What is written at once, and what is read ahead of an answer that is made while it is written.
PIECE = 64 * 1024
# Descriptors of a process that are left for databases, brokers, files.
SPARE_DESCRIPTORS = 128
MOST_CONNECTIONS = 16_384
