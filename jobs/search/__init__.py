"""The search box of the jobs: query.py parses the text, matching.py finds the jobs."""
