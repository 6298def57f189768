"""The rows of the speed bench: each a function of a `Bench` that yields lines as soon as they are measured."""
