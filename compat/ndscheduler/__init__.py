"""`/api/v1`: the API for clients of ndscheduler."""
