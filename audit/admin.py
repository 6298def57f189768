"""The audit trail in the Django admin: to read, never to change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import DataError
from django.http import HttpRequest

from audit.models import Entry
from scheduler_site.lib.database.paging import Capped


class Filtered:
    """A number in the address that no database column could hold is a wrong filter, not a failure."""

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            return super().get_changelist_instance(request)  # type: ignore[misc]
        except (OverflowError, DataError) as error:
            raise IncorrectLookupParameters from error


@admin.register(Entry)
class EntryAdmin(Filtered, admin.ModelAdmin[Entry]):
    list_display = ("at", "actor_name", "event", "object_type", "object_name", "surface", "address")
    # What to look for is looked for on the page of the trail, which has an index for it.
    list_filter = ("event",)
    actions = None
    paginator = Capped
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False
