"""The texts of alerts. Subjects and texts of failure and success are, in English, those of the v2 README."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from django.utils.translation import gettext_noop as _

from executions.alerting.cause import Cause, ago
from incidents.alert_texts import NOTHING_TO_DO, duration, when
from jobs.models import Job
from notifications.messages import Message
from notifications.texts import Lines, Text, Words, fact

# A summary names so many jobs.
NAMED = 20
REVIEW = Text(_("Please review your job configuration and logs to identify and resolve the issue."))
JOB_NAME, JOB_ID, LAST_DAY = Text(_("Job Name")), Text(_("Job ID")), Text(_("Ends on"))
DUE, DURATION, USUAL = Text(_("Due")), Text(_("Duration")), Text(_("Usual"))
Facts = list[tuple[Words, Words]]


def failed(
    name: str, uid: str, run: str, error: str, mention: str = "", cause: Cause | None = None
) -> Message:
    why = error or Text(_("unknown"))
    return Message(
        Text(_("🔴 Job Failure Alert: %(job)s"), job=name),
        Text(_("Job Execution Failed")),
        [(JOB_NAME, name), (JOB_ID, uid), (Text(_("Error")), why), *(_history(cause) if cause else [])],
        REVIEW,
        f"/executions/{run}",
        mention,
        log=cause.last_lines if cause else (),
        title=Text(_("Job Failed")),
        note=Text(_("Job '%(job)s' failed: %(error)s"), job=name, error=why),
    )


def _history(cause: Cause) -> Facts:
    """How often in a row, when it last succeeded, what was changed since."""
    found: Facts = []
    if cause.in_a_row > 1:
        found.append((Text(_("Failures in a row")), cause.count))
    if cause.last_success:
        found.append((Text(_("Last success")), _with_age(cause.last_success, cause)))
    elif not cause.many:
        found.append((Text(_("Last success")), Text(_("never"))))
    if change := cause.changed_version:
        text = _("version %(number)s, by %(user)s, %(time)s")
        when_made = _with_age(change.at, cause)
        found.append(
            (Text(_("Changed since")), Text(text, number=str(change.version), user=change.by, time=when_made))
        )
    return found


def _with_age(moment: dt.datetime, cause: Cause) -> Text:
    return Text(_("%(time)s (%(ago)s)"), time=when(moment), ago=ago(moment, cause.at))


def succeeded(name: str, uid: str, run: str, seconds: float) -> Message:
    took = f"{seconds:.2f}"
    return Message(
        Text(_("✅ Job Success: %(job)s"), job=name),
        Text(_("Job Completed Successfully")),
        [
            (JOB_NAME, name),
            (JOB_ID, uid),
            (Text(_("Duration")), Text(_("%(seconds)s seconds"), seconds=took)),
        ],
        NOTHING_TO_DO,
        f"/executions/{run}",
        title=Text(_("Job Completed")),
        note=Text(_("Job '%(job)s' completed successfully in %(seconds)s seconds"), job=name, seconds=took),
    )


def missed(job: Job, slots: int, made_up: int, first: dt.datetime, last: dt.datetime) -> Message:
    span = Text(
        _("%(count)s, from %(first)s to %(last)s"), count=str(slots), first=when(first), last=when(last)
    )
    facts: Facts = [(DUE, when(first)) if slots == 1 else (Text(_("Due times")), span)]
    if made_up:
        how = Text(
            _("%(count)s of %(total)s covered by one run (the latest)"), count=str(made_up), total=str(slots)
        )
        facts.append((Text(_("Missed runs")), how))
    return _about(job, Text(_("🔴 Job Missed: %(job)s"), job=job.name), Text(_("Job Missed")), facts)


def late(job: Job, due: dt.datetime) -> Message:
    facts: Facts = [(DUE, when(due)), (Text(_("Late after")), _after(job.start_by))]
    return _about(job, Text(_("🟠 Job Late: %(job)s"), job=job.name), Text(_("Job Late")), facts)


def overrun(job: Job, started: dt.datetime) -> Message:
    facts: Facts = [
        (Text(_("Started")), when(started)),
        (Text(_("Expected duration")), _after(job.finish_by)),
    ]
    subject = Text(_("🟠 Job Exceeded Expected Duration: %(job)s"), job=job.name)
    return _about(job, subject, Text(_("Job Exceeded Expected Duration")), facts)


def slow(job: Job, numbers: Mapping[str, float]) -> Message:
    subject = Text(_("🟠 Job Took Longer Than Usual: %(job)s"), job=job.name)
    return _about(job, subject, Text(_("Job Took Longer Than Usual")), _unusual(DURATION, numbers, _seconds))


def quick(job: Job, numbers: Mapping[str, float]) -> Message:
    subject = Text(_("🟠 Job Took Less Time Than Usual: %(job)s"), job=job.name)
    facts = _unusual(DURATION, numbers, _seconds)
    return _about(job, subject, Text(_("Job Took Less Time Than Usual")), facts)


def memory(job: Job, numbers: Mapping[str, float]) -> Message:
    subject = Text(_("🟠 Job Used More Memory Than Usual: %(job)s"), job=job.name)
    facts = _unusual(Text(_("Memory")), numbers, _megabytes)
    return _about(job, subject, Text(_("Job Used More Memory Than Usual")), facts)


def blocked(job: Job, since: dt.datetime) -> Message:
    facts: Facts = [(Text(_("Due times skipped since")), when(since))]
    subject = Text(_("🟠 Job Blocked: %(job)s"), job=job.name)
    closing = Text(
        _("A run of the job is still in progress. The next due time runs once it has ended or is cancelled.")
    )
    return _about(job, subject, Text(_("Job Blocked")), facts, closing)


def recovered(job: Job, what: Words, since: dt.datetime, now: dt.datetime) -> Message:
    facts: Facts = [
        (Text(_("Was")), Text(_("%(what)s, since %(time)s"), what=what, time=when(since))),
        (Text(_("Lasted")), duration(now - since)),
    ]
    subject = Text(_("✅ Job Recovered: %(job)s"), job=job.name)
    return _about(job, subject, Text(_("Job Recovered")), facts, NOTHING_TO_DO)


def summary(mark: str, headline: Words, lines: Sequence[Words], path: str) -> Message:
    """One message for many jobs: those that come first by name, and how many there are beside them."""
    shown = sorted(lines, key=str)[:NAMED]
    if more := len(lines) - len(shown):
        shown.append(Text(_("and %(count)s more"), count=str(more)))
    facts: Facts = [(Text(_("Jobs")), Lines(*shown))]
    return Message(marked(mark, headline), headline, facts, "", path, title=headline)


def auto_paused(job: Job, mention: str) -> Message:
    title, date = Text(_("Job auto-paused (end date passed)")), str(job.end_date)
    note = Text(_("Job '%(job)s' was paused: its end date %(date)s has passed."), job=job.name, date=date)
    return _at_the_end(job, title, note, mention)


def ending_soon(job: Job, mention: str) -> Message:
    title, date = Text(_("Job ending soon")), str(job.end_date)
    text = _("Job '%(job)s' ends on %(date)s. Give it a later end date if it is still needed.")
    return _at_the_end(job, title, Text(text, job=job.name, date=date), mention)


def _unusual(name: Text, numbers: Mapping[str, float], said: Callable[[float], str]) -> Facts:
    value, low, high, median = (numbers.get(key, 0.0) for key in ("value", "low", "high", "median"))
    values = {"high": said(high), "median": said(median), "count": str(numbers.get("count", 0))}
    if low > 0:
        text = _("%(low)s to %(high)s; the median of %(count)s runs is %(median)s")
        return [(name, said(value)), (USUAL, Text(text, low=said(low), **values))]
    text = _("up to %(high)s; the median of %(count)s runs is %(median)s")
    return [(name, said(value)), (USUAL, Text(text, **values))]


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def _megabytes(value: float) -> str:
    return f"{value / 1e6:.1f} MB"


def _after(seconds: int | None) -> Text:
    return Text(_("%(seconds)s seconds"), seconds=str(seconds))


def marked(mark: str, words: Words) -> Text:
    return Text("%(mark)s %(words)s", mark=mark, words=words)


def _at_the_end(job: Job, title: Text, note: Text, mention: str) -> Message:
    subject = fact(title, job.name)
    facts: Facts = [(JOB_NAME, job.name), (LAST_DAY, str(job.end_date))]
    return Message(subject, title, facts, "", f"/jobs/{job.uid}/edit", mention, title, note)


def _about(job: Job, subject: Words, title: Words, facts: Facts, closing: Words = REVIEW) -> Message:
    told: Facts = [(JOB_NAME, job.name), (JOB_ID, str(job.uid)), *facts]
    mention = job.team.slack_handle if job.team else ""
    note = Lines(Text(_("Job '%(job)s'"), job=job.name), *(fact(*one) for one in facts))
    return Message(subject, title, told, closing, f"/jobs/{job.uid}", mention, title, note)
