"""A verb for many jobs: commands.py says what is asked for, preview.py what would become of it, apply.py does it."""
