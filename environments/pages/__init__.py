"""The pages of environments and their operations."""
