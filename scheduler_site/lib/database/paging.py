"""Pages of long tables."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property


class Capped(Paginator[Any]):
    """Caps the count: counting millions of rows takes longer than showing a page of them."""

    MOST = 10_000

    def __init__(self, *args: Any, counted: int | None = None, **kwargs: Any) -> None:
        """counted: their number, where it is known already; one more than MOST stands for all that is more."""
        super().__init__(*args, **kwargs)
        self._known = counted

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.MOST)

    @property
    def is_capped(self) -> bool:
        """Whether there are more."""
        return self._counted > self.MOST

    @property
    def shown(self) -> str:
        """`123`, or `10000+` where there are more."""
        return f"{self.count}+" if self.is_capped else str(self.count)

    @cached_property
    def _counted(self) -> int:
        if self._known is not None:
            return self._known
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[: self.MOST + 1].count()
