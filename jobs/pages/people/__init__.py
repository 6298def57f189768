"""Who works with jobs: the pages of users, teams and categories, and what becomes of the jobs of somebody who leaves."""
