"""Measurements and trials of the whole system, as scripts; none of them is part of the tests."""
