"""From due times to rows: the tick, times without runs, and changed rules of time zones."""
