"""The REST routes of jobs."""
