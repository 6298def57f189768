"""What is written into the search box of the jobs: read (query.py), and found (narrow.py)."""
