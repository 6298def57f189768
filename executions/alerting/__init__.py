"""Alerts about runs and due times, and their texts."""
