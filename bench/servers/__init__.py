"""Databases and brokers of the benches' own, in a temporary directory: they may be killed, frozen and emptied."""
