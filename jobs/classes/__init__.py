"""Python job classes: what a python_class job runs, in a child process and without Django."""
