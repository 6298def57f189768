"""Imports from other schedulers, with a report of differences first."""
