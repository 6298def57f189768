"""Repairs what a crash leaves behind, deletes old rows, and detects late or missing runs."""
