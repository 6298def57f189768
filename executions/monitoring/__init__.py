"""Heartbeats, health, figures, statistics and logs."""
