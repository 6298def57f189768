"""Signs of life, health, figures, statistics and logs."""
