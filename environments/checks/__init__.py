"""System checks of environments and of JOB_USER, the account that runs the code of jobs."""
