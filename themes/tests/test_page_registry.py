"""The pages of the registry, without JavaScript: who sees them, what they change, and what they say of mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from audit.models import Entry
from jobs.tests.pages import browser
from themes import queries
from themes.models import CourseEntry, SubTheme, Theme, ThemeSetting

from .registry import THEME, make_entry, make_setting, make_sub_theme, make_theme

FORM = {key: value or "" for key, value in THEME.items()}


@pytest.fixture
def sub_theme(db: None) -> SubTheme:
    return make_sub_theme(make_theme())


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:2000]
    return str(response.content.decode())


def test_the_navigation_leads_to_the_registry(vic: User) -> None:
    assert '<a href="/registry">Themes</a>' in text(browser(vic).get("/"))


def test_a_viewer_reads_and_is_offered_nothing_to_change(vic: User, sub_theme: SubTheme) -> None:
    setting, entry = make_setting("1132", sub_theme.theme), make_entry("CS101", "1132", sub_theme)
    for path in (
        "/registry",
        f"/registry/themes/{sub_theme.theme.uid}",
        "/registry/settings",
        "/registry/entries",
    ):
        page = text(browser(vic).get(path))
        assert "Theme A101" in page or "CS101" in page
        assert not any(word in page for word in ("/edit", "/delete", "/new", "/copy")), path
    for path in (f"settings/{setting.uid}", f"entries/{entry.uid}"):
        assert "may not change the registry" in text(browser(vic).get(f"/registry/{path}/edit"), 403)


def test_a_theme_made_on_a_page_bears_the_name_of_the_account(uma: User) -> None:
    client = browser(uma)
    assert "has been created" in text(client.post("/registry/themes/new", FORM, follow=True))
    theme = Theme.objects.get()
    assert (theme.theme_name, theme.english_link) == (THEME["theme_name"], None)
    assert (theme.created_by, theme.updated_by) == ("uma", "uma")
    left = Entry.objects.latest("pk")
    assert (left.actor, left.operator, left.surface, left.object_uid) == (uma, "", "page", theme.uid)


@pytest.mark.parametrize(
    "change",
    [
        {"theme_code": "A101"},
        {"theme_code": "a/b"},
        {"theme_code": "x" * 11},
        {"theme_name": ""},
        {"theme_name": "x" * 10_000},
        {"theme_short_name": "a\x00b"},
    ],
)
def test_what_was_entered_survives_a_mistake(uma: User, sub_theme: SubTheme, change: dict[str, str]) -> None:
    form = FORM | {"theme_code": "NEW", "theme_english_name": "canary"} | change
    page = text(browser(uma).post("/registry/themes/new", form))
    assert 'value="canary"' in page
    assert 'class="errorlist"' in page
    assert Theme.objects.count() == 1


def test_a_theme_is_edited_and_deleted(uma: User) -> None:
    theme, client = make_theme(), browser(uma)
    form = FORM | {"theme_code": "B1", "chinese_link": ""}
    assert "has been saved" in text(client.post(f"/registry/themes/{theme.uid}/edit", form, follow=True))
    theme.refresh_from_db()
    assert (theme.theme_code, theme.chinese_link, theme.updated_by) == ("B1", None, "uma")
    assert "Delete B1" in text(client.get(f"/registry/themes/{theme.uid}/delete"))
    assert "has been deleted" in text(client.post(f"/registry/themes/{theme.uid}/delete", follow=True))
    assert not Theme.objects.exists()
    assert client.get(f"/registry/themes/{theme.uid}/edit").status_code == 404


def test_sub_themes_are_kept_on_the_page_of_their_theme(uma: User, sub_theme: SubTheme) -> None:
    client, theme = browser(uma), sub_theme.theme
    form = {"sub_theme_code": "02", "sub_theme_name": "水", "sub_theme_english_name": "Water"}
    made = client.post(f"/registry/themes/{theme.uid}/sub-themes/new", form, follow=True)
    assert "has been created" in text(made)
    page = text(
        client.post(f"/registry/themes/{theme.uid}/sub-themes/new", form | {"sub_theme_name": "canary"}), 409
    )
    assert "There is a sub theme A101/02 already." in page
    assert "canary" in page
    edited = form | {"sub_theme_code": "03"}
    client.post(f"/registry/sub-themes/{sub_theme.uid}/edit", edited)
    assert sorted(one.sub_theme_code for one in theme.sub_themes.all()) == ["02", "03"]
    client.post(f"/registry/sub-themes/{sub_theme.uid}/delete")
    assert [one.sub_theme_code for one in theme.sub_themes.all()] == ["02"]


def test_nobody_overwrites_unawares_what_another_wrote_meanwhile(uma: User, ada: User) -> None:
    theme, client = make_theme(), browser(uma)
    path, form = f"/registry/themes/{theme.uid}/edit", FORM | {"theme_name": "canary"}
    seen = text(client.get(path)).split('name="version" value="')[1].split('"')[0]
    browser(ada).post(path, FORM | {"theme_name": "meanwhile"})
    page = text(client.post(path, form | {"version": seen}), 409)
    assert "ada has changed this since you opened the page." in page
    assert 'value="canary"' in page
    theme.refresh_from_db()
    assert theme.theme_name == "meanwhile"
    renewed = page.split('name="version" value="')[1].split('"')[0]
    assert client.post(path, form | {"version": renewed}).status_code == 302
    theme.refresh_from_db()
    assert theme.theme_name == "canary"


def test_what_stands_against_a_deletion_is_told(uma: User, sub_theme: SubTheme) -> None:
    make_entry("CS101", "1132", sub_theme)
    client = browser(uma)
    theme = client.post(f"/registry/themes/{sub_theme.theme.uid}/delete")
    assert "still has sub themes" in text(theme, 400)
    assert "Courses have entries" in text(client.post(f"/registry/sub-themes/{sub_theme.uid}/delete"), 400)
    assert SubTheme.objects.count() == 1


def test_sub_themes_are_switched_beside_the_settings_of_their_theme(uma: User, sub_theme: SubTheme) -> None:
    client, theme = browser(uma), sub_theme.theme
    form = {"school_year_semester": "1132", "theme": theme.pk, "scale_max": "5"}
    assert "has been created" in text(client.post("/registry/settings/new", form, follow=True))
    setting, other = ThemeSetting.objects.get(), make_sub_theme(theme, "02")
    assert (setting.scale_max, setting.fill_in_week_enabled) == (5, False)
    assert queries.enabled_in("1132") == {sub_theme.pk}
    page = text(client.get(f"/registry/settings/{setting.uid}/edit"))
    assert page.count("checked") == 1
    client.post(f"/registry/settings/{setting.uid}/edit", {"scale_max": "4", "enabled": [other.pk]})
    assert queries.enabled_in("1132") == {other.pk}
    left = Entry.objects.latest("pk")
    assert left.changes == {
        "scale_max": {"old": 5, "new": 4},
        "01": {"old": True, "new": False},
        "02": {"old": None, "new": True},
    }
    page = text(client.post("/registry/settings/new", form | {"scale_max": "11"}))
    assert "already exists" in page
    assert "less than or equal to 10" in page
    client.post(f"/registry/settings/{setting.uid}/delete")
    assert queries.enabled_in("1132") == set()


def test_settings_are_copied(uma: User, sub_theme: SubTheme) -> None:
    make_setting("1131", sub_theme.theme)
    client = browser(uma)
    done = client.post("/registry/settings/copy", {"source": "1131", "target": "1132"}, follow=True)
    assert "Copied to 1132: settings of 1 themes and 1 sub themes." in text(done)
    same = text(client.post("/registry/settings/copy", {"source": "1131", "target": "1131"}), 400)
    assert "the same semester" in same
    assert "term, 1 or 2" in text(
        client.post("/registry/settings/copy", {"source": "11x3", "target": "1131"})
    )


def test_entries_are_made_changed_copied_and_deleted(uma: User, sub_theme: SubTheme) -> None:
    client = browser(uma)
    for semester in ("1131", "1132"):
        make_setting(semester, sub_theme.theme)
    form = {"course_id": "CS101", "school_year_semester": "1131", "sub_theme": sub_theme.pk}
    form |= {"indicator_value": "3", "week_numbers": "1, 2, 5-8", "is_most_relevant": "on"}
    assert "has been saved" in text(client.post("/registry/entries/new", form, follow=True))
    entry = CourseEntry.objects.get()
    assert (entry.week_numbers, entry.is_most_relevant, entry.created_by) == ([1, 2, 5, 6, 7, 8], True, "uma")
    assert "already exists" in text(client.post("/registry/entries/new", form | {"indicator_value": "9"}))
    assert 'value="1, 2, 5, 6, 7, 8"' in text(client.get(f"/registry/entries/{entry.uid}/edit"))
    client.post(f"/registry/entries/{entry.uid}/edit", {"indicator_value": "4", "week_numbers": ""})
    entry.refresh_from_db()
    assert (entry.indicator_value, entry.week_numbers, entry.is_most_relevant) == ("4", None, False)
    copy = {"course": "CS101", "source": "1131", "target": "1132"}
    done = client.post("/registry/entries/copy", copy, follow=True)
    assert "1 entries copied, 0 skipped, 0 old ones replaced." in text(done)
    client.post(f"/registry/entries/{entry.uid}/delete")
    assert CourseEntry.objects.get().school_year_semester == "1132"


@pytest.mark.parametrize("weeks", ["a", "1-", "99", "0", "5-3", "1,1", "1" * 400, "1-99"])
def test_weeks_that_make_no_sense_are_told(uma: User, sub_theme: SubTheme, weeks: str) -> None:
    entry = make_entry("CS101", "1131", sub_theme)
    form = {"indicator_value": "3", "week_numbers": weeks}
    page = text(browser(uma).post(f"/registry/entries/{entry.uid}/edit", form))
    assert f'value="{weeks}"' in page
    assert 'class="errorlist"' in page


def test_an_entry_for_what_is_not_asked_is_refused(uma: User, sub_theme: SubTheme) -> None:
    form = {
        "course_id": "CS101",
        "school_year_semester": "1131",
        "sub_theme": sub_theme.pk,
        "indicator_value": "3",
    }
    assert "is not enabled in 1131" in text(browser(uma).post("/registry/entries/new", form), 400)


def test_entries_are_narrowed_by_semester_and_course(vic: User, sub_theme: SubTheme) -> None:
    for course, semester in (("CS101", "1131"), ("CS101", "1132"), ("CS102", "1132")):
        make_entry(course, semester, sub_theme)
    client = browser(vic)
    page = text(client.get("/registry/entries?semester=1132&course=CS102"))
    assert page.count("<tr>") == 2
    assert "No entry matches." in text(client.get("/registry/entries?semester=1141"))
    assert text(client.get("/registry/entries?semester=11x3")).count("<tr>") == 4
    for query in ("page=0", "page=x", "page=99"):
        assert client.get(f"/registry/entries?{query}").status_code == 404
    assert client.get("/registry/settings?semester=11x3").status_code == 404


def test_texts_of_others_are_shown_as_texts(vic: User, uma: User) -> None:
    hostile = "<script>alert(1)</script>"
    theme = make_theme(theme_name=hostile, chinese_link="javascript:alert(1)")
    for path in ("/registry", f"/registry/themes/{theme.uid}"):
        page = text(browser(vic).get(path))
        assert hostile not in page
        assert 'href="javascript' not in page
    assert hostile not in text(browser(uma).get(f"/registry/themes/{theme.uid}/delete"))
