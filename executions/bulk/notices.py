"""One item in the inbox for many jobs, in the place of one for each."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _

from executions.models import BulkAction
from notifications import inbox
from notifications.models import Notification
from notifications.texts import Text

Verb = BulkAction.Verb
TITLE = _("Many Jobs Changed")
TEXTS = {
    Verb.PAUSE: _("%(count)s jobs were paused by %(who)s"),
    Verb.RESUME: _("%(count)s jobs were resumed by %(who)s"),
    Verb.OWNER: _("%(count)s jobs were given another owner by %(who)s"),
    Verb.TEAM: _("%(count)s jobs were given another team by %(who)s"),
    Verb.CATEGORY: _("%(count)s jobs were given another category by %(who)s"),
    Verb.DELETE: _("%(count)s jobs were deleted by %(who)s"),
}


def done(action: BulkAction, count: int) -> None:
    """To administrators and who did it: others may not see all of these jobs. A run that was started is told by its end."""
    text = TEXTS.get(Verb(action.verb))
    if text is None or not count:
        return
    who = action.by.email or action.by.get_username()
    message = Text(text, count=str(count), who=who)
    kind = Notification.Type.WARNING if action.verb == Verb.DELETE else Notification.Type.INFO
    inbox.tell(inbox.responsible(action.by_id), Text(TITLE), message, kind)
