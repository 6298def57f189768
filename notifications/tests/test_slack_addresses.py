"""The address of Slack's webhook is a URL out on the internet: neither inner addresses nor hidden signs."""

from __future__ import annotations

import asyncio

import pytest
from pytest_django.fixtures import Settings

from notifications.channels.http import OuterOnly, url_problem


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/\r\nHost: x",
        "https://hooks.slack.com/a\tb",
        "https://hooks.slack.com/a b",
        "https://hooks.slack.com/\u202eabc",
        "https://127.0.0.1/hook",
        "https://[::1]/hook",
        "https://[::ffff:169.254.169.254]/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.5/hook",
        "https://100.64.0.1/hook",
        "https://[64:ff9b::a9fe:a9fe]/hook",
        "https://[2002:a00:5::]/hook",
        "https://[fec0::1]/hook",
        "https://168.63.129.16/hook",
        "https://0x7f.1/hook",
        "https://localhost/hook",
        "https://broker:6379/",
        "https://db.internal/hook",
        "http://hooks.slack.com/services/x",
    ],
)
def test_it_is_refused(url: str, settings: Settings) -> None:
    settings.SLACK_PLAIN_HOSTS = []
    assert url_problem(url)


def test_slack_itself_and_named_relays_are_taken(settings: Settings) -> None:
    settings.SLACK_PLAIN_HOSTS = ["127.0.0.1:9000"]
    assert url_problem("https://hooks.slack.com/services/T0/B0/x") == ""
    assert url_problem("http://127.0.0.1:9000/hook") == ""


def test_a_name_that_leads_inside_is_not_called(settings: Settings) -> None:
    settings.SLACK_PLAIN_HOSTS = []

    async def look_up() -> None:
        await OuterOnly().resolve("localhost", 443)

    with pytest.raises(OSError, match="inner address"):
        asyncio.run(look_up())
    settings.SLACK_PLAIN_HOSTS = ["localhost:443"]
    asyncio.run(look_up())
