"""Moving in: jobs of other schedulers become ours, after a report of what will differ."""
