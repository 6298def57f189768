"""The inbox: who gets an item, and what its owner does with it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.roles import roles_with
from notifications.models import LONGEST_NAME, Alert, Notification
from notifications.texts import Words, from_json, in_english, to_json
from scheduler_site.lib import clock
from scheduler_site.lib.database.prepared import Prepared
from scheduler_site.lib.text import storable

BATCH = 500
# Titles of what people did to jobs (v2 wire facts, section 11). On the pages these stand under Activity, and are not counted.
ACTIVITY = ("New Job Created", "Job Updated", "Job Enabled", "Job Disabled", "Job Deleted")
TYPES: dict[str, Notification.Type] = {
    Alert.Event.JOB_SUCCEEDED: Notification.Type.SUCCESS,
    Alert.Event.RECOVERED: Notification.Type.SUCCESS,
    Alert.Event.SYSTEM_RECOVERED: Notification.Type.SUCCESS,
    Alert.Event.JOB_FAILED: Notification.Type.ERROR,
    Alert.Event.SYSTEM_SILENT: Notification.Type.ERROR,
}


def everybody(category_id: int) -> QuerySet[User]:
    """All who may see the jobs of a category: the inbox must not tell what the lists hide."""
    return User.objects.filter(
        Q(category_id=None)
        | Q(category_id=category_id)
        | Q(role__in=roles_with("jobs.view_all_jobs"), is_active=True)
    )


def responsible(owner_id: int | None) -> QuerySet[User]:
    """The owner of a job, and the active admins (v2 wire facts, section 11)."""
    return User.objects.filter(Q(pk=owner_id) | Q(is_active=True, role=User.Role.ADMIN))


def tell(
    users: QuerySet[User],
    title: Words,
    message: Words,
    type: Notification.Type,  # noqa: A002 - the word of the wire
    *,
    job_uid: uuid.UUID | None = None,
    execution_uid: uuid.UUID | None = None,
    now: dt.datetime | None = None,
) -> None:
    """Puts an item into the inbox of each of `users`, in the caller's transaction."""
    moment = now or clock.now()
    texts = [] if isinstance(title, str) else [to_json(title), to_json(message)]
    rows = [
        Notification(
            user_id=pk,
            title=in_english(title)[:LONGEST_NAME],
            message=storable(in_english(message)),
            texts=texts,
            type=type,
            related_job_uid=job_uid,
            related_execution_uid=execution_uid,
            created_at=moment,
        )
        for pk in users.values_list("pk", flat=True)
    ]
    Notification.objects.bulk_create(rows, batch_size=BATCH)


def place(alert: Alert, now: dt.datetime) -> int:
    """Puts an alert into the inboxes of its recipients; how many there were."""
    users = _recipients(alert.recipients)
    count = users.count()
    kind = TYPES.get(alert.event, Notification.Type.WARNING)
    uids = {"job_uid": alert.job_uid, "execution_uid": alert.execution_uid}
    title, message = map(from_json, alert.texts) if alert.texts else (alert.subject, alert.text)
    tell(users, title, message, kind, now=now, **uids)
    return count


def read(item: Notification) -> None:
    """Marks it as read; the time of the first reading stays."""
    now = clock.now()
    if Notification.objects.filter(pk=item.pk, is_read=False).update(is_read=True, read_at=now):
        item.is_read, item.read_at = True, now


def read_all(user: User) -> int:
    """How many items that were."""
    return user.notifications.filter(is_read=False).update(is_read=True, read_at=clock.now())


def unread(user: User) -> int:
    """How many items are new, without what people did to jobs."""
    return _unread.count(user.pk)


_unread = Prepared(
    lambda user: (
        Notification.objects.filter(user=user, is_read=False)
        .exclude(title__in=ACTIVITY)
        .order_by()
        .values_list("pk")
    ),
    int,
)


def _recipients(words: Iterable[str]) -> QuerySet[User]:
    """`user:<uid>` and `category:<id>`, as alerts keep them; those who are gone are left out."""
    words = list(words)
    uids = [word.removeprefix("user:") for word in words if word.startswith("user:")]
    users = User.objects.filter(uid__in=uids)
    for word in words:
        if word.startswith("category:"):
            users = users | everybody(int(word.removeprefix("category:")))
    return users
