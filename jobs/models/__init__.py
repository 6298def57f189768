"""Jobs and their pauses. Their schedules are stored in django-celery-beat's tables (`stored_schedule.py`)."""

from jobs.models.dependencies import Dependency, NamedLock
from jobs.models.job import DAY, LONGEST_DESCRIPTION, Job, today, within
from jobs.models.pauses import InactivePeriod, Pause
from jobs.models.queries import JobQuerySet
from jobs.models.scripts import SCRIPT_OPTION, Script, by_digest, digest_of, named_digest, with_text
from jobs.models.zones import ZoneRules

__all__ = [
    "DAY",
    "LONGEST_DESCRIPTION",
    "SCRIPT_OPTION",
    "Dependency",
    "InactivePeriod",
    "Job",
    "JobQuerySet",
    "NamedLock",
    "Pause",
    "Script",
    "ZoneRules",
    "by_digest",
    "digest_of",
    "named_digest",
    "today",
    "with_text",
    "within",
]
