"""What is wrong with a schedule is said in the reader's language on pages, and in English by the API."""

from __future__ import annotations

import pytest

from accounts.models import User
from conftest import Api
from jobs.schedule import ScheduleError, parse_cron
from jobs.schedule_text import refusals
from scheduler_site.lib import clock


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("61 * * * *", "(<Minute> field: <61 is not between 0 and 59>.)"),
        ("* * *", "(<A cron expression has five fields: minute, hour, day of month, month, day of week.> This one has 3.)"),
        ("@never", '("@never" is not known; the shorthands are '),
        ("0 0 31 2 *", "(This never fires: no date of the next five years matches.)"),
    ],
)  # fmt: skip
def test_each_part_of_a_refusal_is_said_in_the_language_of_whoever_reads(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A language that puts each text between signs.
    monkeypatch.setattr(refusals, "gettext", lambda template: f"<{template}>")
    with pytest.raises(ScheduleError) as caught:
        parse_cron(text, "UTC", now=clock.now())
    assert refusals.refusal(caught.value).startswith(said.replace("(", "<", 1).removesuffix(")"))


def test_the_api_says_it_in_english_whatever_the_browser_asks_for(api: Api, uma: User) -> None:
    body = {"name": "a", "cron_expression": "61 * * * *", "target_url": "https://1.1.1.1/"}
    answer = api(uma).post("/api/v2/jobs", body, format="json", headers={"Accept-Language": "ja"})
    assert answer.json()["message"] == "Minute field: 61 is not between 0 and 59."
