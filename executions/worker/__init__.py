"""The inside of a worker process: its capacity, the leases of its runs, and what they write."""
