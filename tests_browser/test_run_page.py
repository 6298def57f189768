"""The page of a run in a browser: its log follows what is written, and leaves the reader in peace."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from executions.models import Execution, LogChunk, State
from executions.tests.test_page_list import make_run
from jobs.tests.factories import make_job
from tests_browser.conftest import PATIENCE, Visit
from tests_browser.ways import ways

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Resolved once the log is scrolled to its end. Strings are not evaluated later: the pages' policy forbids it.
REACHED = """new Promise((reached, refused) => {
  let tries = 100;
  const log = document.getElementById("log");
  const look = () => {
    if (log.scrollHeight - log.scrollTop - log.clientHeight < 24) reached();
    else if (tries-- > 0) setTimeout(look, 50);
    else refused("not at its end");
  };
  look();
})"""


def write(run: Execution, first: int, last: int) -> None:
    text = "".join(f"\x1b[32mline\x1b[0m {number}\n" for number in range(first, last + 1))
    LogChunk.objects.create(execution=run, attempt=1, at=timezone.now(), text=text)


@ways("KP")
def test_a_growing_log_keeps_the_place_and_the_focus_of_its_reader(visit: Visit, uma: User, way: str) -> None:
    run = make_run(make_job(uma), state=State.RUNNING, started_at=timezone.now(), attempt=1)
    write(run, 1, 300)
    visitor = visit(uma, way)
    visitor.open(f"/executions/{run.uid}")
    page = visitor.page
    page.evaluate(REACHED)
    page.evaluate("document.getElementById('log').scrollTop = 100")
    expect(page.locator("#log-follow")).not_to_be_checked()
    page.focus("#stop")
    write(run, 301, 320)
    page.wait_for_selector("#L320", state="attached")
    assert page.evaluate("document.getElementById('log').scrollTop") == 100
    assert page.evaluate("document.activeElement.id") == "stop"
    visitor.hand.mark("#log-follow")
    write(run, 321, 340)
    page.wait_for_selector("#L340", state="attached")
    expect(page.locator("#log-follow")).to_be_checked()
    page.evaluate(REACHED)
    assert page.locator("#log li .fg2").count() == 340
    Execution.objects.update(state=State.SUCCESS, finished_at=timezone.now(), duration=1.5)
    page.wait_for_selector("#log [hx-get]", state="detached")


@ways("NKP")
def test_a_log_is_searched_and_its_lines_are_addresses(visit: Visit, uma: User, way: str) -> None:
    run = make_run(make_job(uma), state=State.SUCCESS)
    write(run, 1, 9000)
    visitor = visit(uma, way)
    visitor.open(f"/executions/{run.uid}")
    page = visitor.page
    visitor.hand.write("[name=q]", "line 77")
    page.press("[name=q]", "Enter")
    expect(page.locator("#found")).to_contain_text("111 of 9000 lines contain “line 77”.")
    visitor.hand.press("#found ol a >> nth=0")
    expect(page.locator("#L77")).to_be_in_viewport(timeout=PATIENCE)
    page.uncheck("#log-wrap")
    assert page.locator("#L77").evaluate("line => getComputedStyle(line).whiteSpace") == "pre"


# Of each fact the right edge of what is written in it, and of the card's content the left edge of the next one in the row.
TOUCHING = """() => {
  const facts = [...document.querySelectorAll("dl.tiles > div")].map(fact => {
    const inside = document.createRange();
    inside.selectNodeContents(fact);
    return {text: fact.textContent.trim(), box: fact.getBoundingClientRect(), ink: inside.getBoundingClientRect()};
  });
  return facts.flatMap((one, place) => {
    const next = facts[place + 1];
    const beside = next && Math.abs(next.box.top - one.box.top) < 2;
    return beside && next.ink.left - one.ink.right < 8 ? [one.text, next.text] : [];
  });
}"""


@pytest.mark.parametrize("width", [1200, 1000, 700, 360])
def test_the_facts_of_a_run_do_not_touch(visit: Visit, uma: User, width: int) -> None:
    now = timezone.now()
    run = make_run(
        make_job(uma), state=State.SUCCESS, started_at=now, finished_at=now, attempt=1, exit_code=137,
        response_status=200, peak_memory=123_456_789_012, mean_memory=123_456_789_012, cpu_seconds=98765.4,
        worker="a-long-name-of-a-host.example.com:8476-4d6239758606",
    )  # fmt: skip
    visitor = visit(uma, width=width)
    visitor.open(f"/executions/{run.uid}")
    expect(visitor.page.locator("dl.tiles")).to_be_visible()
    assert visitor.page.evaluate(TOUCHING) == []
