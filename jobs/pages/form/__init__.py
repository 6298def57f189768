"""Parts of the job form: the schedule builder, summaries of folded sections, and what the next page shows."""
