"""Accounts, categories and teams in the Django admin; every change leaves its audit entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import categories_and_teams, verbs
from accounts.models import ApiToken, Category, Team, User
from accounts.pages.account_forms import with_reach
from accounts.pages.category_and_team_forms import CatalogForm
from accounts.pages.views import LogoutView
from accounts.signin import logins
from audit.admin import Filtered
from audit.models import Entry
from audit.record import MASK, Actor, difference, record

SURFACE = "admin"


class CatalogAdmin(Filtered, admin.ModelAdmin[Any]):
    """Writes through the verbs of the API: a new name moves the slug along, and nothing is removed, only disabled."""

    form = CatalogForm
    actions = ("disable",)

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool) -> None:
        by = Actor.request(request, SURFACE)
        # Members of a team have a verb of their own (`save_related`).
        values = {field: form.cleaned_data[field] for field in form.changed_data if field != "members"}
        if change:
            categories_and_teams.change(obj, values, by=by)
            return
        added = categories_and_teams.add(type(obj), values.pop("name"), by=by, **values)
        obj.__dict__.update(added.__dict__)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # It follows the name.
        return ("slug",) if obj else ()

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Sequence[str]]:
        return {} if obj else {"slug": ("name",)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_disable_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"accounts.delete_{self.opts.model_name}")

    @admin.action(description=_("Disable the selected rows"), permissions=["disable"])
    def disable(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        with transaction.atomic():
            for row in queryset:
                categories_and_teams.change(row, {"is_active": False}, by=Actor.request(request, SURFACE))


@admin.register(Category)
class CategoryAdmin(CatalogAdmin):
    list_display = ("name", "slug", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    fields = ("name", "slug", "description", "is_active")


@admin.register(Team)
class TeamAdmin(CatalogAdmin):
    list_display = ("name", "slug", "slack_handle", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    fields = ("name", "slug", "slack_handle", "members", "is_active")
    filter_horizontal = ("members",)

    def save_related(self, request: HttpRequest, form: ModelForm[Any], formsets: Any, change: bool) -> None:
        members = form.cleaned_data.get("members")
        if members is not None:
            categories_and_teams.set_members(form.instance, members, by=Actor.request(request, SURFACE))


@admin.register(ApiToken)
class ApiTokenAdmin(Filtered, admin.ModelAdmin[ApiToken]):
    """To read: tokens are made and revoked on their page, by their verbs."""

    list_display = ("name", "prefix", "owner", "read_only", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("read_only",)
    search_fields = ("name", "prefix", "owner__username")
    list_select_related = ("owner",)
    exclude = ("digest",)
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(Filtered, DjangoUserAdmin[User]):
    """Writes through the verbs; groups and single permissions do not exist here, the role decides."""

    list_display = ("username", "email", "role", "category", "is_active", "last_login")
    list_filter = ("role", "is_active", "category")
    search_fields = ("username", "email")
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("owned_jobs", "last_login", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("username", "password", "email")}),
        (_("Permissions"), {"fields": ("role", "category", "edit_scope", "may_run_code", "is_active")}),
        (_("Jobs"), {"fields": ("owned_jobs",)}),
        (_("Times"), {"fields": ("last_login", "created_at", "updated_at")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),
        (_("Permissions"), {"fields": ("role", "category", "edit_scope", "may_run_code", "is_active")}),
    )

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "may_run_code" and field:
            field.help_text = with_reach(db_field.help_text)
        return field

    @admin.display(description=_("owner of"))
    def owned_jobs(self, user: User) -> SafeString | str:
        """Named before the account is switched off or deleted, with the way to hand them over."""
        if not (names := verbs.jobs_of(user)):
            return gettext("No jobs")
        url, label = reverse("person-leave", args=[user.uid]), gettext("Hand over…")
        return format_html('{} · <a href="{}">{}</a>', ", ".join(names), url, label)

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm[User], change: bool) -> None:
        by = Actor.request(request, SURFACE)
        if change:
            verbs.update(obj, {field: form.cleaned_data[field] for field in form.changed_data}, by=by)
            return
        obj.created_by = obj.updated_by = by.user
        super().save_model(request, obj, form, change)
        record(Entry.Event.ADDED, obj, by=by, changes=difference({}, verbs.describe(obj)))

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        verbs.delete(obj, by=Actor.request(request, SURFACE))

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[User]) -> None:
        with transaction.atomic():
            for user in queryset:
                self.delete_model(request, user)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        deleted, counts, _missing, protected = super().get_deleted_objects(objs, request)
        for user in objs:
            deleted += [
                gettext("The job “%(job)s” loses its owner.") % {"job": job} for job in verbs.jobs_of(user)
            ]
        if request.user in objs:
            protected = [*protected, gettext("Nobody can delete his own account.")]
        # What goes with an account needs no right of its own: the verb deletes it.
        return deleted, counts, set(), protected

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        target = self.get_object(request, unquote(id))
        if target == request.user:
            # The page for one's own password asks for the old one.
            return redirect("password")
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            # Django redirects once the new password is stored, and shows the form again otherwise.
            if target and request.method == "POST" and response.status_code == 302:
                changes = {"password": {"old": MASK, "new": MASK}}
                logins.all_ended(target)
                record(
                    Entry.Event.PASSWORD_CHANGED, target, by=Actor.request(request, SURFACE), changes=changes
                )
        return response

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_message(
            request, lambda: super(UserAdmin, self).changeform_view(request, *args, **kwargs)
        )

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_message(request, lambda: super(UserAdmin, self).delete_view(request, *args, **kwargs))

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_message(
            request, lambda: super(UserAdmin, self).changelist_view(request, *args, **kwargs)
        )

    def _or_message(self, request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
        try:
            return view()
        except (verbs.LastAdmin, verbs.Taken) as refusal:
            self.message_user(request, gettext(str(refusal)), messages.ERROR)
            return HttpResponseRedirect(request.path)


def _login(request: HttpRequest, **_kwargs: Any) -> HttpResponseBase:
    """One login page for all: the admin's own would count no attempts."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next", reverse("admin:index")))


def _password(_request: HttpRequest, **_kwargs: Any) -> HttpResponseBase:
    return redirect("password")


admin.site.unregister(Group)
admin.site.login = _login  # type: ignore[method-assign,assignment]
admin.site.logout = LogoutView.as_view()  # type: ignore[method-assign,assignment]
admin.site.password_change = _password  # type: ignore[method-assign,assignment]
