"""The promise under fire: real processes, real faults, and a checker that does its own arithmetic."""
