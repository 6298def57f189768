"""The button "Test" of the job form: the request as it is entered there, sent once."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.signin.throttle import TooManyAttempts
from jobs import test_run
from jobs.forms.page import PageJobForm
from jobs.models import Job
from jobs.runners.github_actions.request import DEFAULT_REF
from jobs.test_run import Answer

# What a test depends on; the rest of the form may still be empty.
NEEDED = ("options", "metadata", "secrets")


def of_form(form: PageJobForm, kind: str, user: User) -> Answer | None:
    """What the target says, or why it is not asked; None for kinds that cannot be tried.

    Secrets that are stored stay out of it: a test leaves no trace, so it must not be a way to send them somewhere.
    """
    if kind not in (Job.Kind.WEBHOOK, Job.Kind.GITHUB_ACTIONS):
        return None
    form.is_valid()
    # Without the names of options, which the page does not use.
    problems = [error.reason for error in form.option_errors]
    problems += [str(text) for name in NEEDED for text in form.errors.get(name, [])]
    if problems:
        return _unasked(kind, problems[0])
    try:
        with test_run.TestRunSlot(user):
            return _asked(form, kind)
    except TooManyAttempts as refusal:
        return _unasked(kind, _("Too many tests. Try again in %(wait)d seconds.") % {"wait": refusal.wait})


def _asked(form: PageJobForm, kind: str) -> Answer:
    options, metadata = form.cleaned_data["options"], form.cleaned_data["metadata"]
    entered = form.fields["secrets"].clean(form.data.get("secrets")) or {}
    secrets = {name: text for name, text in entered.items() if text}
    if kind == Job.Kind.WEBHOOK:
        return test_run.webhook(options, metadata, secrets=secrets)
    ref = str(metadata.get("branchDetails") or options.get("ref") or DEFAULT_REF)
    return test_run.github(options, metadata, ref, token=secrets.get("github_token", ""))


def _unasked(kind: str, text: str) -> Answer:
    return Answer(False, "webhook" if kind == Job.Kind.WEBHOOK else "github", None, text, "Not tried")
