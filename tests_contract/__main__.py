"""`python -m tests_contract --seconds 600`: schemathesis against a running Belfry, as every kind of caller."""

from __future__ import annotations

import argparse
import os
import sys

import pytest


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests_contract", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for how long (60)")
    parser.add_argument("--port", type=int, default=8041, help="where Belfry listens meanwhile (8041)")
    options = parser.parse_args()
    os.environ |= {"CONTRACT_SECONDS": str(options.seconds), "CONTRACT_PORT": str(options.port)}
    return pytest.main(["tests_contract", "-s"])


if __name__ == "__main__":
    sys.exit(main())
