"""The page of a job shows its options as they are entered."""

from __future__ import annotations

from html import unescape

import pytest

from accounts.models import User
from jobs.tests.factories import make_job
from jobs.tests.pages import browser


@pytest.mark.django_db
def test_what_is_no_text_is_shown_as_the_json_that_was_entered(uma: User) -> None:
    options = {"target_url": "https://1.1.1.1/", "headers": {"X-Team": "Ωmega"}, "follow_as_get": True}
    job = make_job(uma, options=options)
    page = unescape(browser(uma).get(f"/jobs/{job.uid}").content.decode())
    assert '{"X-Team": "Ωmega"}' in page
    assert "<code>true</code>" in page
    assert "<code>https://1.1.1.1/</code>" in page
