"""Who did what: append-only entries, and the stamps on rows that people edit."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Stamped(models.Model):
    """A row that people edit: who made it, who changed it last, and when."""

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("created by"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("updated by"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        abstract = True


class AppendOnlyError(RuntimeError):
    """Audit entries can be added, but neither changed nor removed."""


class EntryQuerySet(models.QuerySet["Entry"]):
    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError("Audit entries cannot be changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("Audit entries cannot be removed.")


class Entry(models.Model):
    """One thing that somebody did. Names are kept as they were; ids stay even when their rows are gone."""

    class Event(models.TextChoices):
        ADDED = "added", _("added")
        MODIFIED = "modified", _("modified")
        DELETED = "deleted", _("deleted")
        PAUSED = "paused", _("paused")
        RESUMED = "resumed", _("resumed")
        CUSTOM_RUN = "custom_run", _("run by hand")
        STOPPED = "stopped", _("stopped")
        QUARANTINED = "quarantined", _("quarantined")
        LOGIN = "login", _("logged in")
        LOGIN_FAILED = "login_failed", _("failed to log in")
        LOGOUT = "logout", _("logged out")
        PASSWORD_CHANGED = "password_changed", _("changed a password")

    at = models.DateTimeField(_("time"), db_index=True)
    event = models.CharField(_("event"), max_length=32, choices=Event.choices)
    # No constraint: an entry outlives the account that it names.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("actor"),
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    actor_name = models.CharField(_("actor's name"), max_length=150)
    operator = models.CharField(_("operator"), max_length=50, blank=True)
    surface = models.CharField(_("surface"), max_length=16)
    address = models.GenericIPAddressField(_("address"), null=True)
    object_type = models.CharField(_("kind of object"), max_length=64)
    object_id = models.BigIntegerField(_("object"), null=True)
    object_name = models.CharField(_("object's name"), max_length=255)
    category_id = models.BigIntegerField(_("category"), null=True)
    changes = models.JSONField(_("changes"), default=dict)
    description = models.TextField(_("description"), blank=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ("-id",)
        indexes = [models.Index(fields=["object_type", "object_id", "-id"], name="audit_object")]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.event} {self.object_type} {self.object_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("Audit entries cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("Audit entries cannot be removed.")
