"""The ways in which a task of docs/tasks.md is done, by their letters there; and a hand that acts in each of them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page

# "": with the mouse, on a wide screen.
WAYS: dict[str, dict[str, Any]] = {
    "": {},
    "N": {"javascript": False},
    "K": {"keys": True},
    "P": {"width": 360, "dark": True},
    "S": {"latency": 1500},
}
# So often Tab is pressed before a control counts as out of reach.
STEPS = 200
IS_FOCUSED = """one => {
  const own = one.closest("a, button, summary, input, select, textarea, [tabindex]");
  const control = one.closest("label")?.control;
  return document.activeElement !== document.body && [own, control].includes(document.activeElement);
}"""
# Their parts depend on the language of the browser.
WRITTEN_AT_ONCE = ("date", "time", "datetime-local")


def ways(letters: str) -> pytest.MarkDecorator:
    """A test that is done with the mouse, and in each of these ways."""
    return pytest.mark.parametrize("way", ["", *letters])


class Hand:
    """Acts on a page: by keys alone, reached with Tab, or with the mouse."""

    def __init__(self, page: Page, *, keys: bool) -> None:
        self._page, self._keys = page, keys

    def press(self, selector: str) -> None:
        """A link, a button, or what unfolds something."""
        if not self._keys:
            self._page.click(selector)
            return
        self._reach(selector)
        self._page.keyboard.press("Enter")

    def mark(self, selector: str) -> None:
        """A box, or one of several choices."""
        if not self._keys:
            self._page.check(selector)
            return
        control = self._reach(selector)
        if not control.is_checked():
            self._page.keyboard.press("Space")
        assert control.is_checked()

    def write(self, selector: str, text: str) -> None:
        """Into a field, in the place of what is in it."""
        if not self._keys:
            self._page.fill(selector, text)
            return
        field = self._reach(selector)
        if field.get_attribute("type") in WRITTEN_AT_ONCE:
            field.fill(text)
            return
        self._page.keyboard.press("Control+a")
        self._page.keyboard.type(text)

    def choose(self, selector: str, label: str) -> None:
        """Of a list."""
        if not self._keys:
            self._page.select_option(selector, label=label)
            return
        field = self._reach(selector)
        self._page.keyboard.type(label)
        assert field.evaluate("one => one.selectedOptions[0].label") == label

    def _reach(self, selector: str) -> Locator:
        control = self._page.locator(selector).first
        control.wait_for()
        for _ in range(STEPS):
            if control.evaluate(IS_FOCUSED):
                return control
            self._page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached by Tab.")
