"""The pages of runs: the dashboard, the ledger, one run."""
