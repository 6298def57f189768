"""Refuses or warns of configurations that are unsafe or break the promise."""
