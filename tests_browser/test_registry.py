"""The theme registry on the pages: a term from its first theme to the copy into the next one, and on a phone."""

from __future__ import annotations

import pytest
from django.conf import settings

from accounts.models import User
from tests_browser.conftest import Visit

if not settings.THEMES_ENABLED:
    pytest.skip("There is no theme registry.", allow_module_level=True)

from themes.models import CourseEntry, Theme
from themes.tests.registry import make_entry, make_setting, make_sub_theme, make_theme

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_term_is_set_up_filled_in_and_copied(visit: Visit, uma: User, javascript: bool) -> None:
    visitor = visit(uma, javascript=javascript)
    page = visitor.page

    def fill_in(**values: str) -> None:
        for name, value in values.items():
            page.fill(f"[name={name}]", value)
        page.keyboard.press("Enter")
        page.wait_for_selector("p.message")

    page.click("nav.sections >> text=Themes")
    page.click("text=Create the first theme")
    fill_in(theme_code="A101", theme_name="SDGs", theme_short_name="SDGs", theme_english_name="SDGs")
    page.click("td.name a")
    page.click("text=New sub theme")
    fill_in(sub_theme_code="01", sub_theme_name="Water", sub_theme_english_name="Water")
    for semester in ("1131", "1132"):
        visitor.open("/registry/settings/new")
        page.select_option("[name=theme]", label="A101 SDGs")
        fill_in(school_year_semester=semester, scale_max="5")
    page.click("nav.tabs >> text=Course entries")
    page.click("text=New course entry")
    page.select_option("[name=sub_theme]", label="A101/01 Water")
    fill_in(course_id="CS101", school_year_semester="1131", week_numbers="1-3", indicator_value="4")
    page.click("text=Copy to a semester")
    assert page.input_value("[name=course]") == "CS101"
    fill_in(source="1131", target="1132")
    page.wait_for_selector("td >> text=1132")
    copied = CourseEntry.objects.get(school_year_semester="1132")
    assert (copied.week_numbers, copied.created_by) == ([1, 2, 3], "uma")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_wider_than_a_small_phone(visit: Visit, ada: User, dark: bool) -> None:
    long = {
        "theme_name": "名" * 200,
        "theme_short_name": "x" * 50,
        "chinese_link": "https://x.test/" + "y" * 400,
    }
    theme = make_theme("X" * 10, **long)
    sub_themes = [make_sub_theme(theme, f"{number:02}") for number in range(20)]
    setting = make_setting("1132", theme)
    entry = make_entry(
        "C" * 100, "1132", sub_themes[0], indicator_value="v" * 255, week_numbers=[*range(1, 54)]
    )
    visitor = visit(ada, width=360, dark=dark)
    paths = ["", f"/themes/{theme.uid}", "/settings?semester=1132", "/entries?semester=1132", "/entries/new"]
    paths += [f"/settings/{setting.uid}/edit", f"/entries/{entry.uid}/edit", f"/entries/{entry.uid}/delete"]
    for path in paths:
        visitor.open(f"/registry{path}")
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 360, path
    assert Theme.objects.count() == 1
