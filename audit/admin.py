"""The audit trail in the Django admin: to read, never to change."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from audit.models import Entry


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin[Entry]):
    list_display = ("at", "actor_name", "event", "object_type", "object_name", "surface", "address")
    list_filter = ("event", "object_type", "surface")
    search_fields = ("actor_name", "object_name")
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False
