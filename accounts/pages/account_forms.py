"""Forms in which administrators create and change accounts; the rules are in the verbs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import verbs
from accounts.models import Category, User
from audit.record import Actor

RIGHTS = ("role", "category", "edit_scope", "may_run_code")


def what_code_reaches() -> str:
    """docs/security.md, in one sentence beside the right."""
    if settings.JOB_USER:
        text = _(
            "The code runs as the account %(account)s of the server, and can read what its other jobs can."
        )
        return text % {"account": settings.JOB_USER}
    return _(
        "The code runs as the account of Belfry itself: it can read all secrets and the database, as an administrator can."
    )


def with_reach(help_text: str | Promise) -> Any:
    """The explanation of the right to run code, with what code reaches in this installation."""
    return format_lazy("{} {}", help_text, what_code_reaches())


class AccountForm(forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("username", "email", *RIGHTS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        code = self.fields["may_run_code"]
        code.help_text = with_reach(code.help_text)
        category = self.fields["category"]
        category.empty_label = _("all")  # type: ignore[attr-defined]
        kept = Category.objects.filter(Q(is_active=True) | Q(pk=self.instance.category_id))
        category.queryset = kept.order_by("name")  # type: ignore[attr-defined]

    def store(self, *, by: Actor) -> User | None:
        """The account; None where the verb refuses, which the form then says."""
        try:
            return self._stored(by)
        except verbs.Taken as refusal:
            self.add_error(refusal.field, _(str(refusal)))
        except verbs.LastAdmin as refusal:
            self.add_error(None, _(str(refusal)))
        except ValidationError as refusal:
            self.add_error(None, refusal)
        return None

    def _stored(self, by: Actor) -> User:
        values = {field: self.cleaned_data[field] for field in self.changed_data}
        return verbs.update(self.instance, values, by=by)


class NewAccountForm(AccountForm):
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        required=False,
        max_length=1024,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Empty: nobody can log in until an administrator sets a password."),
    )
    field_order = ("username", "email", "password", *RIGHTS)

    def clean_password(self) -> str:
        """After the name and the address, which it must not be like."""
        password: str = self.cleaned_data["password"]
        if password:
            known = {name: self.cleaned_data.get(name) or "" for name in ("username", "email")}
            validate_password(password, User(**known))
        return password

    def _stored(self, by: Actor) -> User:
        values = dict(self.cleaned_data)
        return verbs.register(values.pop("username"), values.pop("password") or None, by=by, **values)
