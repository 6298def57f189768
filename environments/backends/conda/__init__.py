"""Conda environments: made by rattler, or by an installed conda, mamba or micromamba. Nothing here imports Django."""
