"""The REST routes of incidents."""
