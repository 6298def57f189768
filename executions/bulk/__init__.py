"""A verb for many jobs: orders.py says what is asked for, plan.py what would become of it, carry.py does it."""
