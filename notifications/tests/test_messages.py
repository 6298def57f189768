"""The shapes of a message, and what people's texts cannot do to them."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from executions.alerting import alert_texts
from notifications.channels.slack import LONGEST, mention, said
from notifications.messages import Message, subject_line

UID = "9d4c2282-9b95-4f79-823b-43c73fc3f7c7"


@pytest.fixture(autouse=True)
def _address(settings: Settings) -> None:
    settings.FRONTEND_BASE_URL = "https://belfry.example.com"


def test_a_failure_reads_as_the_clients_know_it() -> None:
    message = alert_texts.failed("Critical Data Sync Job", UID, "run-1", "Webhook returned status 500")
    assert str(message.subject) == "🔴 Job Failure Alert: Critical Data Sync Job"
    assert message.text() == (
        "Job Execution Failed\n"
        "====================\n"
        "\n"
        "Job Name: Critical Data Sync Job\n"
        f"Job ID: {UID}\n"
        "Error: Webhook returned status 500\n"
        "\n"
        "Please review your job configuration and logs to identify and resolve the issue.\n"
        "\n"
        "https://belfry.example.com/executions/run-1\n"
    )


def test_a_success_reads_as_the_clients_know_it() -> None:
    message = alert_texts.succeeded("Critical Data Sync Job", UID, "run-1", 45.23)
    assert str(message.subject) == "✅ Job Success: Critical Data Sync Job"
    assert message.text().startswith(
        "Job Completed Successfully\n"
        "==========================\n"
        "\n"
        "Job Name: Critical Data Sync Job\n"
        f"Job ID: {UID}\n"
        "Duration: 45.23 seconds\n"
        "\n"
        "No action is required. This is an informational notification.\n"
    )


def test_markup_in_a_name_is_text_in_html() -> None:
    page = alert_texts.failed("<script>alert(1)</script>", UID, "run-1", "<img src=x>").html()
    assert "<script>" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_a_name_notifies_nobody_in_slack() -> None:
    text = said(alert_texts.failed("<!channel> & <@U12345678>", UID, "run-1", "a > b"))
    assert "<!channel>" not in text
    assert "<@U12345678>" not in text
    assert "&lt;!channel&gt; &amp; &lt;@U12345678&gt;" in text
    assert "a &gt; b" in text
    assert text.endswith("<https://belfry.example.com/executions/run-1|Open in Belfry>")


def test_a_long_text_is_cut_for_slack_at_a_whole_line_and_keeps_its_link() -> None:
    text = said(Message("subject", "heading", [("Error", "<&>\n" * 2000)], path="/x"))
    body, _newline, link = text.rpartition("\n")
    assert len(body) <= LONGEST + 1
    assert body.splitlines()[-2:] == ["&lt;&amp;&gt;", "…"]
    assert link == "<https://belfry.example.com/x|Open in Belfry>"


def test_of_one_long_line_slack_gets_the_beginning() -> None:
    text = said(Message("subject", "heading", [("Run", "7"), ("Error", "<&>" * 20_000)], path="/x"))
    body, _newline, _link = text.rpartition("\n")
    assert LONGEST - 10 < len(body) <= LONGEST
    assert body.startswith("*subject*\nRun: 7\nError: &lt;&amp;&gt;")
    assert body.removesuffix("\n…").endswith((";", "&gt;"))


@pytest.mark.parametrize(
    ("handle", "said"),
    [
        ("S0123ABCD", "<!subteam^S0123ABCD>"),
        ("@S0123ABCD", "<!subteam^S0123ABCD>"),
        ("<!subteam^S0123ABCD>", "<!subteam^S0123ABCD>"),
        ("U0123ABCD", "<@U0123ABCD>"),
        ("@ops-team", "@ops-team"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("<!here|x>", "&lt;!here|x&gt;"),
        ("", ""),
    ],
)
def test_a_team_is_addressed_by_its_handle(handle: str, said: str) -> None:
    assert mention(handle) == said


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\0"])
def test_a_subject_is_one_line_whatever_a_name_holds(end: str) -> None:
    subject = subject_line(f"Job{end}Bcc: everybody@example.com")
    assert subject == "Job Bcc: everybody@example.com"
    assert len(subject_line("x" * 1000)) == 200
