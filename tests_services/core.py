"""A plugin of pytest (`-p tests_services.core`) that leaves out the tests that ask no database anything."""

from __future__ import annotations

import pytest

FIXTURES = {"db", "transactional_db", "django_db_setup"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = [item for item in items if not _asks(item)]
    items[:] = [item for item in items if _asks(item)]
    config.hook.pytest_deselected(items=others)


def _asks(item: pytest.Item) -> bool:
    return item.get_closest_marker("django_db") is not None or bool(
        FIXTURES & set(getattr(item, "fixturenames", ()))
    )
