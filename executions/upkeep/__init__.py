"""Mends what a crash leaves, removes what is old, and notices what is late."""
