"""The REST routes of runs, and of the system's health."""
