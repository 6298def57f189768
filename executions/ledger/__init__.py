"""The life of a run: from a due time to its row, to its claim, to its outcome."""
