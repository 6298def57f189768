"""What can delay the start of a run: concurrency limits, quotas, holds, and an earlier run of its job."""
