"""GitHub Actions jobs: which workflow to dispatch."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from .addresses import MAX_URL_LENGTH, AddressRefused, parse_url
from .base import Context, IORunner, OptionsForm, Outcome

# Logins: letters, digits, single inner hyphens (managed users: an underscore), at most 39 characters.
# Repositories: also dots and underscores, at most 100.
_OWNER = RegexValidator(
    r"^[A-Za-z0-9](?:[A-Za-z0-9_]|-(?=[A-Za-z0-9])){0,38}\Z",
    _("This is not a GitHub user or organisation name."),
)
_REPO = RegexValidator(r"^(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}\Z", _("This is not a GitHub repository name."))
# A workflow is named by its file below .github/workflows or by its number.
_WORKFLOW = RegexValidator(
    r"^(?:[A-Za-z0-9_][A-Za-z0-9_ -]{0,199}|(?!\.)[A-Za-z0-9._ -]{1,200}\.ya?ml)\Z",
    _("A workflow is a file name such as test.yml, or its number."),
)


class GitHubActionsForm(OptionsForm):
    """owner, repo, workflow; a target_url may be stored beside them."""

    owner = forms.CharField(label=_("owner"), max_length=39, validators=[_OWNER])
    repo = forms.CharField(label=_("repository"), max_length=100, validators=[_REPO])
    workflow = forms.CharField(label=_("workflow"), max_length=204, validators=[_WORKFLOW])
    target_url = forms.CharField(label=_("URL"), max_length=MAX_URL_LENGTH, required=False)

    def clean_target_url(self) -> str:
        url: str = self.cleaned_data["target_url"]
        if url:  # only kept here, never called: its address is checked when the job becomes a webhook
            try:
                parse_url(url)
            except AddressRefused as refusal:
                raise ValidationError(str(refusal)) from refusal
        return url


class GitHubActionsRunner(IORunner):
    """Stores and shows such jobs; it cannot dispatch them yet and says so."""

    kind = "github_actions"
    label = _("GitHub Actions")
    options_form = GitHubActionsForm
    default_timeout = 3600.0

    def target(self, options: Mapping[str, Any], metadata: Mapping[str, Any]) -> str:
        return "/".join(str(options.get(name, "")) for name in ("owner", "repo", "workflow"))

    async def run(self, context: Context[asyncio.Event]) -> Outcome:
        spec = context.spec
        return Outcome(
            "error",
            "GitHub Actions jobs cannot be run by this version yet.",
            target=self.target(spec.options, spec.metadata),
            retryable=False,
        )
