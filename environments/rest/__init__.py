"""The REST routes of environments, their packages and their operations."""
