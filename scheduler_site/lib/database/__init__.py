"""What is the same of every database, and what differs: its address, its errors, searches, migrations, pages of long tables."""
