"""Long tables are counted as far as anybody leafs."""

from __future__ import annotations

import pytest
from django.core.paginator import EmptyPage

from accounts.models import Category
from scheduler_site.lib.database.paging import Capped


@pytest.mark.parametrize(("most", "shown", "pages"), [(3, "3+", 2), (4, "4", 2), (5, "4", 2)])
def test_what_lies_beyond_the_cap_is_not_counted(
    db: None, monkeypatch: pytest.MonkeyPatch, most: int, shown: str, pages: int
) -> None:
    monkeypatch.setattr(Capped, "MOST", most)
    Category.objects.all().delete()
    Category.objects.bulk_create(Category(name=str(number), slug=str(number)) for number in range(4))
    found = Capped(Category.objects.order_by("pk"), 2)
    assert (found.shown, found.num_pages, len(found.page(pages))) == (shown, pages, min(most, 4) - 2)
    with pytest.raises(EmptyPage):
        found.page(pages + 1)
