"""`/api/v1`: what clients of ndscheduler say and hear."""
