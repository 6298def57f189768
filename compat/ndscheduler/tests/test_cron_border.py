"""The cron fields of this dialect fire when APScheduler's own CronTrigger fires."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]

from compat.ndscheduler import cron
from jobs.schedule.cron import MONTHS

UTC = dt.UTC
START = dt.datetime(2026, 1, 15, 10, 7, 30, tzinfo=UTC)
ZONES = ("UTC", "Asia/Taipei", "Asia/Tokyo", "Asia/Kolkata", "Europe/Berlin", "America/New_York")
FIFTY = 50


def by_apscheduler(fields: dict[str, str], zone: str) -> Iterator[dt.datetime]:
    trigger = CronTrigger(timezone=ZoneInfo(zone), **fields)
    previous, now = None, START
    while moment := trigger.get_next_fire_time(previous, now):
        yield moment.astimezone(UTC)
        previous = now = moment


def by_us(fields: dict[str, str], zone: str) -> Iterator[dt.datetime]:
    schedule = cron.schedule(cron.filled(fields), zone)
    moment = schedule.next_after(START)
    while moment:
        yield moment
        moment = schedule.next_after(moment)


def changing(moment: dt.datetime, zone: str) -> bool:
    """Whether the clocks change within a day of this time."""
    offsets = {
        (moment + dt.timedelta(days=days)).astimezone(ZoneInfo(zone)).utcoffset() for days in (-1, 0, 1)
    }
    return len(offsets) > 1


def first(times: Iterator[dt.datetime], zone: str) -> list[dt.datetime]:
    """Fifty, leaving out the nights in which the clocks change; none beyond what we look ahead."""
    found: list[dt.datetime] = []
    for moment in times:
        if moment.year > 2090 or len(found) == FIFTY:
            break
        if not changing(moment, zone):
            found.append(moment)
    return found


def number(rng: random.Random, low: int, high: int) -> str:
    return rng.choice(("", "", "0")) + str(rng.randint(low, high))


def item(rng: random.Random, low: int, high: int) -> str:
    a, b = sorted(rng.sample(range(low, high + 1), 2))
    step = rng.randint(1, b - a)
    return rng.choice(
        (
            number(rng, low, high),
            number(rng, low, high),
            f"{a}-{b}",
            f"{a}-{b}/{step}",
            f"{a}/{rng.randint(1, high - a)}",
            f"*/{rng.randint(1, high - low)}",
            f"{b}-{b}",
        )
    )


def named(rng: random.Random, names: tuple[str, ...]) -> str:
    a, b = sorted(rng.sample(range(len(names)), 2))
    text = rng.choice(
        (names[a], f"{names[a]}-{names[b]}", f"{names[a]}-{names[b]}/2", f"{names[b]}-{names[b]}")
    )
    return rng.choice((text, text.upper(), text.title()))


def day(rng: random.Random) -> str:
    position = f"{rng.choice(cron.POSITIONS)} {rng.choice(cron.WEEKDAYS)}"
    return rng.choice(
        (item(rng, 1, 31), "last", position, position.upper().replace(" ", "  "), item(rng, 1, 31))
    )


def random_fields(rng: random.Random) -> dict[str, str]:
    makers: dict[str, Callable[[], str]] = {
        "month": lambda: named(rng, MONTHS) if rng.random() < 0.5 else item(rng, 1, 12),
        "day": lambda: day(rng),
        "day_of_week": lambda: named(rng, cron.WEEKDAYS) if rng.random() < 0.5 else item(rng, 0, 6),
        "hour": lambda: item(rng, 0, 23),
        "minute": lambda: item(rng, 0, 59),
    }
    chance = {"month": 0.4, "day": 0.5, "day_of_week": 0.4, "hour": 0.7, "minute": 0.8}
    fields = {}
    for name, make in makers.items():
        if rng.random() < chance[name]:
            separator = rng.choice((",", ", ", " , "))
            whole = rng.random() < 0.1
            fields[name] = "*" if whole else separator.join(make() for _ in range(rng.choice((1, 1, 2, 3))))
    return fields or {"minute": "*/5"}


@pytest.mark.parametrize("zone", ZONES)
def test_random_fields_fire_when_apscheduler_says(zone: str) -> None:
    rng = random.Random(f"fields {zone}")
    compared = 0
    for _ in range(60):
        fields = random_fields(rng)
        ours = first(by_us(fields, zone), zone)
        if len(ours) < FIFTY and (not ours or ours[-1].year < 2080):
            continue  # there is a gap of more than five years in it: refused at save
        assert ours == first(by_apscheduler(fields, zone), zone), fields
        compared += 1
    assert compared > 40


@pytest.mark.parametrize(
    "fields",
    [
        {"hour": "12"},
        {"day": "15"},
        {"month": "3"},
        {"minute": "*/5"},
        {"day_of_week": "0"},
        {"day_of_week": "mon-fri", "hour": "9"},
        {"day_of_week": "*/2"},
        {"day_of_week": "4/2"},
        {"day_of_week": "5-6"},
        {"day_of_week": "sat,sun", "minute": "5"},
        {"day": "last"},
        {"day": "1st mon"},
        {"day": "last fri", "hour": "*/6"},
        {"day": "last,15"},
        {"day": "1st mon,3rd fri"},
        {"day": "1-5,last"},
        {"day": "5th wed"},
        {"day": "last", "day_of_week": "fri"},
        {"day": "1st mon,13", "day_of_week": "mon,fri"},
        {"day": "*/7", "day_of_week": "0-4"},
        {"day": "28/1"},
        {"month": "jan,jun-aug", "day": "31"},
        {"month": "feb", "day": "29"},
        {"minute": "0-0/5"},
        {"minute": "7/13", "hour": "1-23/5"},
    ],
    ids=str,
)
def test_what_old_jobs_use_fires_when_apscheduler_says(fields: dict[str, str]) -> None:
    assert first(by_us(fields, "Asia/Taipei"), "Asia/Taipei") == first(
        by_apscheduler(fields, "Asia/Taipei"), "Asia/Taipei"
    )


ODD = [
    ("minute", text)
    for text in (
        "60",
        "-1",
        "5-1",
        "*/0",
        "*/60",
        "5-10/6",
        "a",
        "",
        "1,,2",
        "1.5",
        "* *",
        "last",
        "58/5",
        "5-5/1",
    )
] + [
    ("hour", "24"),
    ("hour", "*/24"),
    ("day", "0"),
    ("day", "32"),
    ("day", "mon"),
    ("day", "1st"),
    ("day", "6th mon"),
    ("day", "last funday"),
    ("day", "1st monday"),
    ("month", "0"),
    ("month", "13"),
    ("month", "nov-feb"),
    ("month", "january"),
    ("day_of_week", "7"),
    ("day_of_week", "fri-mon"),
    ("day_of_week", "1st mon"),
    ("day_of_week", "monday"),
]


@pytest.mark.parametrize(("name", "text"), ODD)
def test_what_apscheduler_refuses_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError):
        CronTrigger(**{name: text})
    with pytest.raises(cron.CronError, match=f"Invalid {name}: "):
        cron.expression(cron.filled({name: text}))


@pytest.mark.parametrize("name", cron.SETTABLE)
def test_random_texts_are_taken_exactly_where_apscheduler_takes_them(name: str) -> None:
    rng = random.Random(name)
    words = [
        "*",
        "/",
        "-",
        ",",
        " ",
        "0",
        "1",
        "5",
        "7",
        "12",
        "31",
        "59",
        "mon",
        "FRI",
        "jan",
        "dec",
        "last",
        "1st",
    ]
    taken = 0
    for _ in range(3000):
        text = "".join(rng.choice(words) for _ in range(rng.randint(1, 5)))
        try:
            CronTrigger(**{name: text})
            theirs = True
        except ValueError:
            theirs = False
        try:
            cron.expression(cron.filled({name: text.strip()}))
            ours = True
        except cron.CronError:
            ours = False
        assert ours == theirs, text
        taken += ours
    assert taken > 100


def test_fields_before_the_last_one_given_are_stars_and_those_after_it_at_their_lowest() -> None:
    assert cron.filled({"hour": "12"}) == {
        "month": "*",
        "day": "*",
        "week": "*",
        "day_of_week": "*",
        "hour": "12",
        "minute": "0",
    }
    assert cron.filled({"month": "3"}) == {
        "month": "3",
        "day": "1",
        "week": "*",
        "day_of_week": "*",
        "hour": "0",
        "minute": "0",
    }
    assert cron.filled({"day_of_week": "mon", "minute": "5"})["hour"] == "*"


def test_fields_may_be_numbers_and_null_is_as_good_as_not_named() -> None:
    assert cron.given({"hour": 5, "minute": None, "day": " last ", "week": "*"}) == {
        "hour": "5",
        "day": "last",
    }


@pytest.mark.parametrize("value", [True, 1.5, [1], {"a": 1}, "1" * 300])
def test_fields_of_other_types_are_refused(value: object) -> None:
    with pytest.raises(cron.CronError, match="Invalid hour"):
        cron.given({"hour": value})


@pytest.mark.parametrize(
    ("expression", "fields"),
    [
        ("*/5 * * * *", "* * * * * */5"),
        ("0 2 * * 1-5", "* * * mon-fri 2 0"),
        ("0 2 * * 0", "* * * sun 2 0"),
        ("0 2 * * 5-7", "* * * fri-sun 2 0"),
        ("0 2 * * */2", "* * * tue,thu,sat,sun 2 0"),
        ("0 2 * * 0-7", "* * * * 2 0"),
        ("0 2 L * *", "* last * * 2 0"),
        ("0 2 * * fri#3,1#1", "* 3rd fri,1st mon * * 2 0"),
        ("0 2 fri#L,mon#1,15 * *", "* last fri,1st mon,15 * * 2 0"),
        ("0 2 1 jan,jul *", "jan,jul 1 * * 2 0"),
    ],
)
def test_our_expressions_are_shown_in_the_fields_of_this_dialect(expression: str, fields: str) -> None:
    shown = cron.fields_of(expression)
    assert " ".join(shown.values()) == fields
    assert cron.schedule(shown, "UTC").next_after(START)


def test_long_lists_are_stored_as_ranges() -> None:
    fields = cron.filled(
        {"minute": ",".join(map(str, range(60))), "hour": "1,2,3,5,7,8,9,10,11,12,13,14,15,16,17,20"}
    )
    assert cron.expression(fields) == "0-59 1-3,5,7-17,20 * * *"


@pytest.mark.parametrize("zone", ["UTC"])
def test_what_we_show_of_our_own_expressions_means_the_same(zone: str) -> None:
    rng = random.Random("back")
    for _ in range(200):
        fields = cron.filled(random_fields(rng))
        once = cron.schedule(fields, zone)
        again = cron.schedule(cron.fields_of(once.expression), zone)
        assert [once.next_after(START), once.fields] == [again.next_after(START), again.fields]
