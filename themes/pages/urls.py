"""The pages: a word of their own before all, for the dialect has taken the others."""

from __future__ import annotations

from django.urls import path

from . import catalog, entries, semesters

urlpatterns = [
    path("registry", catalog.themes, name="registry"),
    path("registry/themes/new", catalog.new_theme, name="registry-theme-new"),
    path("registry/themes/<uuid:theme>", catalog.theme, name="registry-theme"),
    path("registry/themes/<uuid:theme>/edit", catalog.edit_theme, name="registry-theme-edit"),
    path("registry/themes/<uuid:theme>/delete", catalog.delete_theme, name="registry-theme-delete"),
    path("registry/themes/<uuid:theme>/sub-themes/new", catalog.new_sub_theme, name="registry-sub-theme-new"),
    path("registry/sub-themes/<uuid:sub_theme>/edit", catalog.edit_sub_theme, name="registry-sub-theme-edit"),
    path(
        "registry/sub-themes/<uuid:sub_theme>/delete",
        catalog.delete_sub_theme,
        name="registry-sub-theme-delete",
    ),
    # Semesters
    path("registry/settings", semesters.settings, name="registry-settings"),
    path("registry/settings/new", semesters.new, name="registry-setting-new"),
    path("registry/settings/copy", semesters.copy, name="registry-settings-copy"),
    path("registry/settings/<uuid:setting>/edit", semesters.edit, name="registry-setting-edit"),
    path("registry/settings/<uuid:setting>/delete", semesters.delete, name="registry-setting-delete"),
    # Entries
    path("registry/entries", entries.entries, name="registry-entries"),
    path("registry/entries/new", entries.new, name="registry-entry-new"),
    path("registry/entries/copy", entries.copy, name="registry-entries-copy"),
    path("registry/entries/<uuid:entry>/edit", entries.edit, name="registry-entry-edit"),
    path("registry/entries/<uuid:entry>/delete", entries.delete, name="registry-entry-delete"),
]
