"""What it costs to look at a long ledger."""
