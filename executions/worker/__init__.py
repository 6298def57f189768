"""The inside of a worker process: its places for runs, their leases, what they write."""
