"""The parts of the job form: its builder, its folded parts in a line, and what the page after it must know."""
