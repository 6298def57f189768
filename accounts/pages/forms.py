"""Login and password forms; the rules are in the verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import verbs
from accounts.models import User
from accounts.signin.throttle import TooManyAttempts
from audit.record import Actor

if TYPE_CHECKING:
    NewPasswordForm = SetPasswordForm[User]
else:
    NewPasswordForm = SetPasswordForm

SURFACE = "page"


class LoginForm(AuthenticationForm):
    """Username or e-mail address, and password. `wait` is set when there were too many attempts."""

    wait: int | None = None

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = gettext_lazy("Username or e-mail address")

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if self.request is None or not name or not password:
            return self.cleaned_data
        try:
            self.user_cache = verbs.log_in(
                name, password, by=Actor.request(self.request, SURFACE), request=self.request
            )
        except verbs.LoginRefused as refusal:
            raise ValidationError(_(str(refusal))) from refusal
        except TooManyAttempts as refusal:
            self.wait = refusal.wait
            raise _too_many(refusal) from refusal
        return self.cleaned_data


class PasswordForm(NewPasswordForm):
    """The current password, and the new one twice."""

    wait: int | None = None
    old_password = forms.CharField(
        label=gettext_lazy("Current password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    field_order = ("old_password", "new_password1", "new_password2")

    def __init__(self, user: User, by: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.by = by

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        try:
            if verbs.confirm(self.user, password, by=self.by):
                return password
        except TooManyAttempts as refusal:
            self.wait = refusal.wait
            raise _too_many(refusal) from refusal
        raise ValidationError(_("This is not your current password."))

    def save(self, commit: bool = True) -> User:
        return verbs.update(self.user, {"password": self.cleaned_data["new_password1"]}, by=self.by)


def _too_many(refusal: TooManyAttempts) -> ValidationError:
    return ValidationError(
        _("Too many attempts. Try again in %(wait)d seconds."), params={"wait": refusal.wait}
    )
