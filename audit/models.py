"""Who did what: append-only entries, the seals that chain them, and the stamps on rows that people edit."""

from __future__ import annotations

import uuid
from typing import Any, TypeVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from scheduler_site.lib.text import label_of

Row = TypeVar("Row", bound=models.Model, covariant=True)


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


class AppendOnlyQuerySet(models.QuerySet[Row]):
    def update(self, **kwargs: Any) -> int:
        raise AppendOnlyError("Audit entries cannot be changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("Audit entries cannot be removed.")


class AppendOnly(models.Model):
    """Rows that are written once. The database refuses the same by itself (audit/append_only.py)."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError("Audit entries cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("Audit entries cannot be removed.")


class EntryQuerySet(AppendOnlyQuerySet["Entry"]):
    def about(self, uid: uuid.UUID) -> EntryQuerySet:
        """The history of one object."""
        return self.filter(object_uid=uid)

    def versions(self, uid: uuid.UUID) -> EntryQuerySet:
        """Those entries of one object that left it with another definition."""
        return self.about(uid).filter(version__isnull=False)


class Entry(AppendOnly):
    """One thing that somebody did. Names are kept as they were; ids stay even when their rows are gone."""

    class Event(models.TextChoices):
        # What happened: the same words head columns of times, which other languages say otherwise.
        ADDED = "added", pgettext_lazy("event", "created")
        MODIFIED = "modified", pgettext_lazy("event", "updated")
        DELETED = "deleted", _("deleted")
        PAUSED = "paused", _("paused")
        RESUMED = "resumed", _("resumed")
        CUSTOM_RUN = "custom_run", _("manual run")
        STOPPED = "stopped", _("cancelled")
        QUARANTINED = "quarantined", _("quarantined")
        LOGIN = "login", _("logged in")
        LOGIN_FAILED = "login_failed", _("failed to log in")
        LOGOUT = "logout", _("logged out")
        PASSWORD_CHANGED = "password_changed", _("changed a password")
        RESYNCED = "resynced", _("resynced")

    at = models.DateTimeField(_("time"))
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
    operator = models.CharField(_("operator"), max_length=150, blank=True)
    surface = models.CharField(_("source"), max_length=16)
    address = models.GenericIPAddressField(_("address"), null=True)
    object_type = models.CharField(_("kind of object"), max_length=64)
    object_id = models.BigIntegerField(_("object"), null=True)
    # What it is known by outside; null for what has no such id.
    object_uid = models.UUIDField(_("object's id"), null=True)
    object_name = models.CharField(_("object's name"), max_length=255)
    category_id = models.BigIntegerField(_("category"), null=True)
    changes = models.JSONField(_("changes"), default=dict)
    description = models.TextField(_("description"), blank=True)
    # Of objects with versions: the whole definition as this entry left it, without secrets, and its number from 1.
    # A removed object has its last definition here, under no number of its own.
    snapshot = models.JSONField(_("definition"), null=True)
    version = models.PositiveIntegerField(_("version"), null=True)

    # Characters of its changes, where a list has counted them (audit/search.py).
    weight: int

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ("-id",)
        # Lists are read by time, the newest first, each narrowed by one of these.
        indexes = [
            models.Index(fields=["object_type", "object_id", "-id"], name="audit_object"),
            models.Index(fields=["-at", "-id"], name="audit_at"),
            models.Index(fields=["object_uid", "-at", "-id"], name="audit_uid"),
            models.Index(fields=["object_type", "-at", "-id"], name="audit_type"),
            models.Index(fields=["actor_name", "-at", "-id"], name="audit_actor"),
            models.Index(fields=["event", "-at", "-id"], name="audit_event"),
            models.Index(fields=["surface", "-at", "-id"], name="audit_surface"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.event} {self.object_type} {self.object_name}"

    # In place of Django's, which translates all of a field's choices for each row that it shows.
    def get_event_display(self) -> str:  # type: ignore[no-redef]
        return label_of(Entry.Event, self.event)

    @property
    def digest(self) -> str:
        """Of its seal; empty for the few seconds until it has one."""
        return self.seal.digest if hasattr(self, "seal") else ""


class Seal(AppendOnly):
    """The place of an entry in the chain, and the digest over it and all before it (audit/chain.py)."""

    # Without gaps, from 1: whoever takes a seal out leaves one.
    number = models.BigIntegerField(primary_key=True)
    # No constraint: that an entry is missing is for the seal to tell.
    entry = models.OneToOneField(Entry, on_delete=models.DO_NOTHING, db_constraint=False, related_name="seal")
    digest = models.CharField(max_length=64)

    objects = AppendOnlyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.number} {self.digest}"
