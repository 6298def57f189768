"""A plugin of pytest (`-p tests_services.core`): only the tests whose answer may depend on the database.

A build server has only so much time. Tests with transactions of their own are asked wherever they stand; the others of the
ledger, of the audit trail and of incidents, without their pages and refusals, with the first case of each: what differs
between the rest are values.
`make test-services` runs them all.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

LEFT_OUT = (
    *("test_api_", "test_scripts", "test_artifacts"),
    *("test_page_", "test_role_matrix", "test_languages", "test_operator_tokens", "test_openapi"),
    *(
        "test_rest_errors",
        "test_slashes",
        "test_plots",
        "test_smtp",
    ),
)
REFUSALS = "bad_input"
ROOMS = ("executions", "audit", "incidents")
CASES = 1
ROOT = Path(__file__).parent.parent
FIXTURES = {"db", "transactional_db", "django_db_setup"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    chosen: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        test = (str(item.path), item.name.partition("[")[0])
        seen[test] += 1
        (chosen if _asks(item) and seen[test] <= CASES else others).append(item)
    items[:] = chosen
    config.hook.pytest_deselected(items=others)


def _asks(item: pytest.Item) -> bool:
    marker, name = item.get_closest_marker("django_db"), item.path.name
    fixtures = FIXTURES & set(getattr(item, "fixturenames", ()))
    if "transactional_db" in fixtures or (marker is not None and marker.kwargs.get("transaction")):
        return True
    if name.startswith(LEFT_OUT) or REFUSALS in name or item.path.relative_to(ROOT).parts[0] not in ROOMS:
        return False
    return marker is not None or bool(fixtures)
