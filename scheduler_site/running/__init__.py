"""The programs on one machine: started, watched, ended."""
