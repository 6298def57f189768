"""The forms of the pages. What they decide is decided by the verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from environments import available_backends
from environments.backends import validators
from environments.backends.base import Invalid
from environments.errors import worded
from environments.models import LONGEST_NAME, Environment

Result = TypeVar("Result")

Backend = Environment.Backend
LABELS = {Backend.CONDA: _("Conda packages"), Backend.PYPI: _("PyPI packages")}


def validated(read: Callable[[], Result]) -> Result:
    """What the grammar reads; what it refuses is the fault of the field."""
    try:
        return read()
    except Invalid as problem:
        raise ValidationError(worded(problem)) from problem


class NameField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Name"), max_length=LONGEST_NAME, **kwargs)
        self.widget.attrs |= {"spellcheck": "false", "autocomplete": "off"}

    def clean(self, value: Any) -> str:
        name: str = super().clean(value)
        return validated(lambda: validators.environment_name(name))


class PackagesField(forms.CharField):
    """One specification on each line; a list."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs |= {"rows": 4, "spellcheck": "false", "placeholder": "pandas>=2.2,<3"}

    def to_python(self, value: Any) -> Any:
        lines = (super().to_python(value) or "").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value


class NewForm(forms.Form):
    name = NameField()
    backend = forms.ChoiceField(label=_("Packages from"), required=False)
    python_version = forms.CharField(
        label=_("Python version"),
        required=False,
        max_length=32,
        help_text=_("Such as 3.12. Empty: the usual one."),
    )
    packages = PackagesField(
        label=_("Packages"),
        required=False,
        help_text=_("One on each line, with a version where not any will do."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = available_backends.default_backend()
        others = [(name, label) for name, label in LABELS.items() if name != usual]
        self.fields["backend"].choices = [  # type: ignore[attr-defined]
            ("", _("%(backend)s (default)") % {"backend": LABELS[Backend(usual)]}),
            *others,
        ]
        self.fields["python_version"].widget.attrs |= {"list": "pythons", "autocomplete": "off"}

    def clean_python_version(self) -> str:
        text: str = self.cleaned_data["python_version"]
        return validated(lambda: validators.python_version(text))

    def clean(self) -> dict[str, Any]:
        backend = self.cleaned_data.get("backend") or available_backends.default_backend()
        check_packages(self, backend)
        return self.cleaned_data


class InstallForm(forms.Form):
    packages = PackagesField(
        label=_("Packages to install"),
        help_text=_("One on each line, with a version where not any will do."),
    )

    def __init__(self, *args: Any, environment: Environment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._environment = environment

    def clean(self) -> dict[str, Any]:
        check_packages(self, self._environment.backend)
        return self.cleaned_data


class RenameForm(forms.Form):
    name = NameField()


class RegisterForm(forms.Form):
    name = NameField()
    directory = forms.CharField(widget=forms.HiddenInput, max_length=500)


def check_packages(form: forms.Form, backend: str) -> None:
    packages = form.cleaned_data.get("packages") or []
    try:
        validators.specs(packages, conda=backend != Backend.PYPI)
    except Invalid as problem:
        form.add_error("packages", worded(problem))
