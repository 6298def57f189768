"""How environments are made: one interface (base.py), one module per backend. Nothing here imports Django."""
