"""Shared by all REST routes: parsers, query parameters, errors, response types, operator tokens."""
