"""`/login`, `/api/conda` and `/api/tasks`: the API for clients of the Conda Task Manager."""
