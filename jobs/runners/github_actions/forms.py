"""The options of a GitHub Actions job."""

from __future__ import annotations

import re
from typing import Annotated, NotRequired, TypedDict

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from scheduler_site.lib.text import unseen
from scheduler_site.rest.schema_types import Rules

from ..addresses import MAX_URL_LENGTH, AddressRefused, parse_url
from ..base import OptionsForm, UsuallyField

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
# git check-ref-format(1): what may stand nowhere, how names and their parts may not begin or end; and no option.
REF = re.compile(
    r"(?![-/.])(?!@\Z)(?!.*(?:\.\.|//|/\.|@\{|\.lock(?:/|\Z)))[^\x00-\x20\x7f~^:?*\[\\]+(?<![/.])"
)


def is_ref(name: str) -> bool:
    """Whether a branch or tag may have this name."""
    return REF.fullmatch(name) is not None and not unseen(name)


def _check_ref(name: str) -> None:
    if not is_ref(name):
        raise ValidationError(_("This is not the name of a branch or tag."))


LONGEST = {"owner": 39, "repo": 100, "workflow": 204, "ref": 255}


class WorkflowOptions(TypedDict):
    """Of a GitHub Actions workflow."""

    owner: Annotated[str, "The owner of the repository.", Rules(maxLength=LONGEST["owner"])]
    repo: Annotated[str, "The repository.", Rules(maxLength=LONGEST["repo"])]
    workflow: Annotated[str, "The workflow: its file or its number.", Rules(maxLength=LONGEST["workflow"])]
    ref: NotRequired[
        Annotated[str, "The branch or tag; master without one.", Rules(maxLength=LONGEST["ref"])]
    ]
    follow: NotRequired[Annotated[bool, "Whether the run goes on until the workflow has ended."]]
    target_url: NotRequired[Annotated[str, "An address that is only kept."]]


class GitHubActionsForm(OptionsForm):
    """owner, repo, workflow; ref and follow where they are not as usual; a target_url may be stored beside them."""

    described = WorkflowOptions

    owner = forms.CharField(label=_("owner"), max_length=LONGEST["owner"], validators=[_OWNER])
    repo = forms.CharField(label=_("repository"), max_length=LONGEST["repo"], validators=[_REPO])
    workflow = forms.CharField(label=_("workflow"), max_length=LONGEST["workflow"], validators=[_WORKFLOW])
    ref = forms.CharField(
        label=_("branch or tag"),
        max_length=LONGEST["ref"],
        required=False,
        validators=[_check_ref],
        help_text=_("Default: master. branchDetails in the parameters takes precedence."),
    )
    follow = UsuallyField(
        label=_("wait"),
        yes=_("until the workflow ends"),
        no=_("no, only start the workflow"),
        help_text=_("The run gets the workflow's result. Cancelling the run cancels the workflow."),
    )
    target_url = forms.CharField(label=_("URL"), max_length=MAX_URL_LENGTH, required=False)

    def clean_target_url(self) -> str:
        url: str = self.cleaned_data["target_url"]
        if url:  # only kept here, never called: its address is checked when the job becomes a webhook
            try:
                parse_url(url)
            except AddressRefused as refusal:
                raise ValidationError(str(refusal)) from refusal
        return url
