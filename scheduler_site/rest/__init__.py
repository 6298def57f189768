"""The manners of every REST route: bodies, queries, refusals, operators."""
