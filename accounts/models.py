"""Users with a role, the categories that limit what they see, and the teams in charge of jobs."""

from __future__ import annotations

import re
import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from audit.models import Stamped

GENERAL = "general"
LONGEST_NAME = 100


def slugify(text: str) -> str:
    """Lower case, every run of other characters than a-z and 0-9 one hyphen (v2 wire facts, 5.3)."""
    return re.sub(r"[^a-z0-9]+", "-", text.strip().lower()).strip("-")


class Named(Stamped):
    """Base of rows with a name that people choose and a slug for programs."""

    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    slug = models.SlugField(_("slug"), max_length=LONGEST_NAME, unique=True)
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.slug = self.slug or slugify(self.name)
        super().save(*args, **kwargs)

    @classmethod
    def find(cls, text: str) -> Self | None:
        """By slug, then by name whatever its case. A text longer than any name finds nothing."""
        if len(text) > LONGEST_NAME:
            return None
        named = cls._default_manager
        return named.filter(slug=slugify(text)).first() or named.filter(name__iexact=text.strip()).first()


class Category(Named):
    """A group of jobs; a user who has one sees nothing else."""

    description = models.TextField(_("description"), blank=True)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ("name",)

    @classmethod
    def general(cls) -> Category:
        """The category of jobs that name none; it always exists."""
        return cls.objects.get_or_create(slug=GENERAL, defaults={"name": "General"})[0]


class Team(Named):
    """The people in charge of a job (PIC team), and how Slack addresses them."""

    slack_handle = models.CharField(_("Slack handle"), max_length=100, blank=True)
    members: models.ManyToManyField[User, Any] = models.ManyToManyField(
        "User",
        verbose_name=_("members"),
        blank=True,
        related_name="teams",
        help_text=_("The incidents of the team's jobs count as theirs."),
    )

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ("name",)


class Users(UserManager["User"]):
    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> User:
        """For code that knows only Django's managers; `manage.py createsuperuser` leaves an audit entry."""
        return self.create_user(username, email, password, **fields | {"role": User.Role.ADMIN})

    def find(self, text: str) -> User | None:
        """By username, then by e-mail address, both exactly as they are stored."""
        found = self.filter(models.Q(username=text) | models.Q(email=text))
        # Compared here too: a database may ignore case.
        matches = [user for user in found if text in (user.username, user.email)]
        return min(matches, key=lambda user: user.username != text, default=None)

    def active_admins(self) -> models.QuerySet[User]:
        return self.filter(is_active=True, role=User.Role.ADMIN)


class User(AbstractUser, Stamped):
    """An account. What its role allows is said in `accounts/roles.py`."""

    class Role(models.TextChoices):
        ADMIN = "admin", _("admin")
        USER = "user", _("user")
        VIEWER = "viewer", _("viewer")

    class EditScope(models.TextChoices):
        OWN = "own", _("own jobs")
        CATEGORY = "category", _("all jobs of the category")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField(_("email address"), unique=True, null=True, blank=True)  # type: ignore[assignment]
    role = models.CharField(_("role"), max_length=8, choices=Role.choices, default=Role.VIEWER)
    category = models.ForeignKey(
        Category,
        verbose_name=_("category"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="users",
        help_text=_("Sees the jobs of this category only; without one, all jobs."),
    )
    edit_scope = models.CharField(
        _("may edit"), max_length=8, choices=EditScope.choices, default=EditScope.OWN
    )
    may_run_code = models.BooleanField(
        _("may run code"),
        default=False,
        help_text=_("May create and change jobs that run code on the server: scripts and Python classes."),
    )
    # Set when an administrator of a fresh installation still has the password that everybody knows.
    must_change_password = models.BooleanField(default=False, editable=False)
    # Part of what every session and every token of a login is signed with: one more ends all of them.
    sessions_ended = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    objects: ClassVar[Users] = Users()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def save(self, *args: Any, **kwargs: Any) -> None:
        # Unique where given: several accounts may have no address.
        self.email = self.email or None
        # The role decides alone: Django would grant a superuser everything without asking the role table.
        self.is_staff = self.role == self.Role.ADMIN
        self.is_superuser = False
        if (fields := kwargs.get("update_fields")) is not None and "role" in fields:
            kwargs["update_fields"] = {*fields, "is_staff", "is_superuser"}
        super().save(*args, **kwargs)

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        self.must_change_password = False

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """As Django's own, and another one after `logins.end_all` as well."""
        salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        signed = f"{self.password}:{self.sessions_ended}" if self.sessions_ended else self.password
        return salted_hmac(salt, signed, secret=secret, algorithm="sha256").hexdigest()

    @property
    def is_admin(self) -> bool:
        return self.is_active and self.role == self.Role.ADMIN

    @property
    def is_writer(self) -> bool:
        """May create jobs."""
        return self.is_admin or (self.is_active and self.role == self.Role.USER)


class Preferences(models.Model):
    """A user's notification and UI preferences (v2 wire facts, 4.1); created on first use."""

    COLUMNS: ClassVar[dict[str, bool]] = {
        "pic_team": True,
        "end_date": True,
        "cron_expression": False,
        "target_url": False,
        "last_execution_at": False,
    }

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="preferences")
    email_on_job_success = models.BooleanField(default=True)
    email_on_job_failure = models.BooleanField(default=True)
    email_on_job_disabled = models.BooleanField(default=False)
    browser_notifications = models.BooleanField(default=False)
    daily_digest = models.BooleanField(default=False)
    weekly_report = models.BooleanField(default=False)
    jobs_table_columns = models.JSONField(default=dict)
    # Chosen on the pages; empty: not chosen.
    language = models.CharField(_("language"), max_length=10, blank=True, choices=settings.LANGUAGES)
    # In which lists show their times; empty: the browser's.
    zone = models.CharField(_("time zone"), max_length=64, blank=True, default="", db_default="")
    # The list of first steps on the dashboard has been put away.
    first_steps_dismissed = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.user)


class Login(models.Model):
    """A login: where it came from, and until when it is valid. One that was ended is refused (accounts/signin/logins.py)."""

    # Of a pair of tokens the claim `sid`, of the one token of /api/v1 its digest, of a session an id of its own.
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="logins")
    surface = models.CharField(max_length=16)
    # What the browser or the program calls itself.
    device = models.CharField(_("device"), max_length=200, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True)
    # Of a session: the key of its row.
    session_key = models.CharField(max_length=40, blank=True, db_index=True)
    created_at = models.DateTimeField(_("since"))
    last_seen_at = models.DateTimeField(_("last seen"))
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-last_seen_at", "-id")
        indexes = [models.Index(fields=["user", "address"], name="login_user_address")]

    def __str__(self) -> str:
        return f"{self.user} ({self.surface})"


class ApiToken(models.Model):
    """A password for a machine: it acts as its owner, whose role is asked each time. The token itself is not kept."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100)
    owner = models.ForeignKey(
        User, verbose_name=_("owner"), on_delete=models.CASCADE, related_name="api_tokens"
    )
    # `belfry_` and the first characters: what people know it by, and what it is looked up by.
    prefix = models.CharField(_("token"), max_length=16, db_index=True)
    digest = models.CharField(max_length=64, unique=True)
    read_only = models.BooleanField(_("read only"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
