"""`/login`, `/api/conda` and `/api/tasks`: what clients of the Conda Task Manager say and hear."""
