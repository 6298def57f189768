"""Database helpers: URL, errors, case-insensitive lookups, migrations, paging of long tables."""
