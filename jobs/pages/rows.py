"""The rows of the list of jobs, all that is shown of them worked out in one pass: a template only puts it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts.contacts import hint_of_names
from accounts.models import User
from jobs.models import Job, Pause, stored_schedule
from jobs.models.queries import changes_all_in_sight
from jobs.schedule_text.moments import Moments
from jobs.templatetags.icons import icon
from jobs.templatetags.timing import due_after, in_words, state_of

# All that a row shows, or that says how a job stands.
COLUMNS = (
    *("uid", "name", "kind", "periodic_task_id", "day_rule", "at_zone"),
    *("next_run_at", "end_date", "quarantine_reason", "code_suspended"),
)
NAMES = {
    "team_name": F("team__name"),
    "owner_name": F("owner__username"),
    "owner_active": F("owner__is_active"),
    "category_name": F("category__name"),
}
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Row:
    """A job in a line. `next` is when it runs next; empty where it does not, `note` says why, and `next_title` more of it."""

    pk: int
    uid: str
    url: str
    name: str
    picture: SafeString
    kind: str
    state: str
    schedule: str
    next: SafeString | str
    note: str
    next_title: SafeString | str
    team: str
    owner: str
    category: str
    # The buttons of a job that the reader may change; else whom to ask.
    verbs: SafeString


def rows_of(jobs: QuerySet[Job], user: User, moments: Moments) -> list[Row]:
    """`jobs` are those of one page: what they share is read once, however many they are."""
    # The schedules by themselves: PostgreSQL takes longer to plan for eight tables at once than to read both halves.
    found = stored_schedule.attach(jobs.only(*COLUMNS).annotate(**NAMES))
    changeable = _changeable(found, user)
    shared = _Shared.of(found)
    return [_row(job, shared, job.pk in changeable, moments) for job in found]


def _changeable(jobs: list[Job], user: User) -> set[int]:
    keys = {job.pk for job in jobs}
    if changes_all_in_sight(user):
        return keys
    return set(Job.objects.changeable_by(user).filter(pk__in=keys).order_by().values_list("pk", flat=True))


@dataclass(frozen=True)
class _Shared:
    pauses: dict[int, Pause]
    kinds: dict[str, str]
    # Of the list: the page of each job is below it.
    base: str
    buttons: _Buttons

    @classmethod
    def of(cls, jobs: list[Job]) -> _Shared:
        paused = [job.pk for job in jobs if not job.timing.enabled]
        pauses = Pause.objects.filter(job__in=paused, ended_at=None).select_related("by").order_by("id")
        return cls(
            {pause.job_id: pause for pause in pauses} if paused else {},
            {kind.value: str(kind.label) for kind in Job.Kind},
            reverse("jobs"),
            _Buttons(),
        )


def _whom(row: Mapping[str, Any]) -> SafeString:
    """Whom to ask about a job."""
    owner = row["owner_name"] if row["owner_active"] else ""
    hint = hint_of_names(owner or "", row["team_name"] or "")
    return format_html('<span class="soft whom" title="{}">{}</span>', hint, hint)


def _row(job: Job, shared: _Shared, changeable: bool, moments: Moments) -> Row:
    state, pause, named = state_of(job), shared.pauses.get(job.pk), job.__dict__
    upcoming, note, title = _upcoming(job, state, pause, moments)
    uid = str(job.uid)
    url = f"{shared.base}/{uid}"
    return Row(
        job.pk,
        uid,
        url,
        job.name,
        icon(job.kind),
        shared.kinds.get(job.kind, job.kind),
        state,
        # The zone of the list stands in its head.
        in_words(job).removesuffix(f" ({moments.zone_name})"),
        upcoming,
        note,
        format_html(' title="{}"', title) if title else "",
        named["team_name"] or "",
        named["owner_name"] or "",
        named["category_name"] or "",
        shared.buttons.of(job, url) if changeable else _whom(named),
    )


class _Buttons:
    """Written here and not by the template: of what a row says it is half, and the same in each."""

    def __init__(self) -> None:
        self._labels = {
            "run": _("Run"),
            "resume": _("Resume"),
            "pause": _("Pause"),
            "edit": _("Edit"),
        }
        self._icons = {
            "run": icon("run"),
            "resume": icon("resume"),
            "pause": icon("paused"),
            "edit": icon("edit"),
        }

    def of(self, job: Job, url: str) -> SafeString:
        name = escape(job.name)
        parts = [self._button("run", job.pk, url, name)]
        if not job.timing.enabled:
            parts.append(self._button("resume", job.pk, url, name))
        elif job.timing.kind != "none":
            parts.append(self._link("pause", job.pk, url, name))
        parts.append(self._link("edit", job.pk, url, name))
        return mark_safe(f'<div class="actions">{"".join(parts)}</div>')  # noqa: S308 - the name is escaped

    def _button(self, verb: str, key: int, url: str, name: str) -> str:
        head = f'<button class="button mini" form="row" formaction="{url}/{verb}"'
        return f"{head}{self._rest(verb, key, name)}</button>"

    def _link(self, verb: str, key: int, url: str, name: str) -> str:
        return f'<a class="button mini" href="{url}/{verb}"{self._rest(verb, key, name)}</a>'

    def _rest(self, verb: str, key: int, name: str) -> str:
        label = escape(self._labels[verb])
        picture = self._icons[verb]
        return f' id="{verb}-{key}" title="{label}">{picture}<span class="sr">{label} {name}</span>'


def _upcoming(
    job: Job, state: str, pause: Pause | None, moments: Moments
) -> tuple[SafeString | str, str, str]:
    """When it runs next; of a job that does not, why: until when and by whom it is paused, with the reason in the title."""
    if state == "paused":
        return _paused(job, pause, moments)
    if job.next_run_at:
        return moments.both(job.next_run_at), "", ""
    return "", "", job.quarantine_reason[:LONGEST_REASON]


def _paused(job: Job, pause: Pause | None, moments: Moments) -> tuple[SafeString | str, str, str]:
    if pause is None:
        return "", "", ""
    who = {"who": pause.by or _("Belfry"), "until": moments.day(pause.until) if pause.until else ""}
    text = _("until %(until)s by %(who)s") % who if pause.until else _("by %(who)s") % who
    title = [pause.reason[:LONGEST_REASON]] if pause.reason else []
    if pause.until and (following := due_after(job, pause.until)):
        title.append(_("Next run %(time)s") % {"time": moments.day(following)})
    return "", text, " · ".join([text, *title])
