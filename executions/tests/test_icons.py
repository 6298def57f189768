"""Every badge has a picture: what it asks for is in the sprite."""

from __future__ import annotations

import re

from django.conf import settings

from executions.models import State
from executions.templatetags.runs import JOB_STATES, badge, job_badge
from jobs.models import Job
from jobs.templatetags.icons import icon

ROOT = settings.BASE_DIR


def test_what_is_drawn_is_in_the_sprite() -> None:
    there = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/icons.svg").read_text()))
    drawn = [badge(state) for state in State] + [job_badge(state) for state in JOB_STATES]
    drawn += [icon(kind) for kind in Job.Kind]
    asked = {name for one in drawn for name in re.findall(r'#([\w-]+)"', one)}
    for path in (ROOT / "templates").rglob("*.html"):
        asked |= set(re.findall(r'{% icon "([^"]+)" %}', path.read_text()))
    assert asked - there == set()
