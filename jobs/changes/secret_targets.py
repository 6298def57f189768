"""A job keeps its secrets only while it sends them to the same target: a change of the target removes them.

Where, is said by each kind (`Runner.audience`): of a webhook the origin of its URL (scheme, host, port), of a workflow the
owner of its repository, of a class its path, of a script its path or that it is a script. A script reads what it is given, so
whoever changes one has its secrets: those stay only if he set them all, or is an administrator. To become its owner, to add one
to them, or to move credentials to them (jobs/exposed_credentials.py) does not make the others his.

The same holds for credentials that stand in the options and the metadata (scheduler_site/lib/credentials.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.record import Actor
from jobs.models import Job
from jobs.runners import RUNNERS
from scheduler_site.lib import credentials


def audience(kind: str, options: Mapping[str, Any]) -> str:
    """Who gets to see what a job of this kind sends along; texts that are equal are the same."""
    runner = RUNNERS.get(kind)
    return f"{kind} {runner.audience(options)}" if runner else kind


def unused(job: Job) -> list[str]:
    """The names of secrets that a job of this kind has no use for."""
    runner = RUNNERS.get(job.kind)
    if runner is None or runner.secret_names is None:
        return []
    return sorted(set(job.secrets) - runner.secret_names)


def described(names: tuple[str, ...]) -> str:
    """What the trail and the API say of secrets that were taken away."""
    return f"removed because the target or the script has changed: {', '.join(names)}"


@dataclass(frozen=True)
class SecretOwnership:
    """The target and the owner of a job's secrets before a change; no owner if several people set them."""

    audience: str
    code: tuple[Any, ...]
    setter: int | None
    options: dict[str, Any]
    metadata: dict[str, Any]

    @classmethod
    def of(cls, job: Job) -> SecretOwnership:
        return cls(
            audience(job.kind, job.options),
            (job.options, job.environment_id) if job.kind == Job.Kind.SCRIPT else (),
            job.secrets_by_id,
            job.options,
            job.metadata,
        )

    def drop_from(self, job: Job, fresh: frozenset[str], by: Actor) -> tuple[str, ...]:
        """Removes the secrets that may not go to the new target, except those set by this change; returns their names."""
        moved = audience(job.kind, job.options) != self.audience
        if not moved and not self._is_foreign_script(job, by):
            return ()
        kept = {name: text for name, text in job.secrets.items() if name in fresh}
        gone = [f"secrets.{name}" for name in sorted(set(job.secrets) - set(kept))]
        if gone or not job.secrets:
            job.secrets = kept
        job.options, typed = credentials.without_old(job.options, self.options)
        job.metadata, more = credentials.without_old(job.metadata, self.metadata)
        gone += [f"options.{path}" for path in typed] + [f"metadata.{path}" for path in more]
        return tuple(gone)

    def setter_after(self, job: Job, fresh: frozenset[str], by: Actor) -> int | None:
        """Who owns the secrets after the change; nobody if several people set them: then only an administrator changes the
        script and keeps them.
        """
        if not fresh & set(job.secrets):
            return self.setter
        user = by.user.pk if by.user else None
        now, before = [job.options, job.metadata], [self.options, self.metadata]
        _rest, typed = credentials.without_old(now, before)
        others = typed or set(job.secrets) - fresh
        return None if others and user != self.setter else user

    def _is_foreign_script(self, job: Job, by: Actor) -> bool:
        if job.kind != Job.Kind.SCRIPT or (job.options, job.environment_id) == self.code:
            return False
        return (
            by.user is not None and by.user.pk != self.setter and not by.user.has_perm("jobs.change_all_jobs")
        )


def for_run(
    job: Job, definition: dict[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The definition of a run with overrides, and the names of what is kept back from it because it goes somewhere else.

    `given` are the overrides: what was written for this very run goes along.
    """
    if audience(job.kind, definition["options"]) == audience(job.kind, job.options):
        return definition, ()
    options, typed = credentials.without_old(definition["options"], job.options)
    metadata: Any = definition["metadata"]
    more: list[str] = []
    if "metadata" not in given:
        metadata, more = credentials.without_old(metadata, job.metadata)
    back = [f"secrets.{name}" for name in sorted(job.secrets) if name not in given.get("secrets", {})]
    back += [f"options.{path}" for path in typed] + [f"metadata.{path}" for path in more]
    return definition | {"options": options, "metadata": metadata}, tuple(back)
