"""A plugin of pytest (`-p tests_services.core`): only the tests whose answer may depend on the database.

Left out are those that ask it nothing, and those of pages and refusals, which do with rows what other tests do too: a build
server has only so much time. `make test-services` runs them all.
"""

from __future__ import annotations

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
FIXTURES = {"db", "transactional_db", "django_db_setup"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = [item for item in items if not _asks(item)]
    items[:] = [item for item in items if _asks(item)]
    config.hook.pytest_deselected(items=others)


def _asks(item: pytest.Item) -> bool:
    name = item.path.name
    if name.startswith(LEFT_OUT) or REFUSALS in name:
        return False
    return item.get_closest_marker("django_db") is not None or bool(
        FIXTURES & set(getattr(item, "fixturenames", ()))
    )
