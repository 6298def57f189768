"""A plugin of pytest (`-p tests_services.core`): only the tests whose answer may depend on the database.

Left out are those that ask it nothing, and those of pages and refusals, which do with rows what other tests do too: a build
server has only so much time. Of a test with many cases the first few are asked: what differs between the rest are values.
`make test-services` runs them all.
"""

from __future__ import annotations

from collections import Counter

import pytest

LEFT_OUT = (
    *("test_page_", "test_role_matrix", "test_languages", "test_operator_tokens", "test_openapi"),
    *(
        "test_rest_errors",
        "test_api_cron_tools",
        "test_slashes",
        "test_plots",
        "test_smtp",
        "test_api_test_run",
    ),
)
REFUSALS = "bad_input"
CASES = 3
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
    name = item.path.name
    if name.startswith(LEFT_OUT) or REFUSALS in name:
        return False
    return item.get_closest_marker("django_db") is not None or bool(
        FIXTURES & set(getattr(item, "fixturenames", ()))
    )
