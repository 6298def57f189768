"""Suggests a cron expression for invalid input: `every monday at 8:30`, `0 3 * * fir`. It is never applied by itself."""

from __future__ import annotations

import re
from difflib import get_close_matches

from jobs.schedule import cron
from jobs.schedule.builder import HOUR_STEPS, LAST, MINUTE_STEPS, Plan, written
from jobs.schedule.errors import ScheduleError

LONGEST = 200
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_GROUPS = {"weekday": (1, 2, 3, 4, 5), "workday": (1, 2, 3, 4, 5), "weekend": (0, 6), "day": tuple(range(7))}
_POSITIONS = {"first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5", "last": LAST}
_TIME = re.compile(r"(?:at )?(\d{1,2})(?:[:.](\d{2}))? ?(am|pm)?|(?:at )?(noon|midnight)")
_EVERY = re.compile(r"every (?:(\d{1,2}) )?(minute|hour)s?(?: at (?:minute )?:?(\d{1,2}))?")
_NUMBER = {"one": "1", "two": "2", "five": "5", "ten": "10", "fifteen": "15", "twenty": "20", "thirty": "30"}


def suggestion(text: str) -> str:
    """An expression that fires; empty where nothing was recognised, or `text` is one already."""
    if not isinstance(text, str) or len(text) > LONGEST or _is_fine(text):
        return ""
    plan = from_words(text)
    found = written(plan) if plan else _corrected(text)
    return found if found and _is_fine(found) else ""


def from_words(text: str) -> Plan | None:
    """The plan that an English phrase tells. Without a time of day midnight is meant."""
    words = re.sub(r"[,\s]+", " ", text.casefold()).strip().replace("half an hour", "30 minutes")
    words = " ".join(_NUMBER.get(word, word) for word in words.split())
    words = re.sub(r"^(hourly|daily|weekly|monthly)\b", _adverb, words)
    if not words:
        return None
    if match := _EVERY.fullmatch(words):
        return _every(int(match[1] or 1), match[2], int(match[3] or 0), stepped=match[1] is not None)
    days, hour, minute = _without_time(words)
    if hour is None or minute is None:
        return None
    return _monthly(days, hour, minute) or _weekly(days, hour, minute)


def _adverb(match: re.Match[str]) -> str:
    adverbs = {"hourly": "every hour", "daily": "every day", "weekly": "every monday"}
    return adverbs.get(match[1], "every month")


def _every(count: int, unit: str, minute: int, *, stepped: bool) -> Plan | None:
    if unit == "minute":
        return Plan("minutes", step=count) if count in MINUTE_STEPS else None
    if minute > 59 or (stepped and count not in HOUR_STEPS):
        return None
    return Plan("hours", minute=minute, step=count)


def _without_time(words: str) -> tuple[str, int | None, int | None]:
    """What is left, hour and minute; both None for a time that there is not."""
    found = list(re.finditer(rf"(?:^|(?<= ))(?:{_TIME.pattern})$", words))
    if not found or not _is_time(found[0][0]):
        return words, 0, 0
    match = _TIME.fullmatch(found[0][0])
    if match is None:
        return words, None, None
    rest = words[: found[0].start()].strip()
    if match[4]:
        return rest, 12 if match[4] == "noon" else 0, 0
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3]:
        if not 1 <= hour <= 12:
            return rest, None, None
        hour = hour % 12 + (12 if match[3] == "pm" else 0)
    return (rest, hour, minute) if hour < 24 and minute < 60 else (rest, None, None)


def _is_time(text: str) -> bool:
    """`15` at the end of `on day 15` is no time of day."""
    return not text.isdigit()


def _monthly(words: str, hour: int, minute: int) -> Plan | None:
    words = re.sub(r"\b(of (the|every|each) month|(every|each) month|of the|on the|on|the)\b", " ", words)
    words = " ".join(words.split())
    if re.fullmatch(r"last day", words):
        return Plan("monthly", minute, hour, day=LAST)
    if match := re.fullmatch(r"(?:day )?(\d{1,2})(?:st|nd|rd|th)?", words):
        return Plan("monthly", minute, hour, day=match[1]) if 1 <= int(match[1]) <= 31 else None
    if match := re.fullmatch(rf"({'|'.join(_POSITIONS)}|[1-5](?:st|nd|rd|th)) ([a-z]+)", words):
        weekday = _day(match[2])
        position = _POSITIONS.get(match[1], match[1][0])
        return None if weekday is None else Plan("position", minute, hour, position=position, weekday=weekday)
    return None


def _weekly(words: str, hour: int, minute: int) -> Plan | None:
    words = re.sub(r"\b(every|each|on|and|week)\b", " ", words)
    named = words.split()
    if not named:
        return Plan("daily", minute, hour)
    days: set[int] = set()
    for word in named:
        group = _GROUPS.get(word.removesuffix("s"))
        day = _day(word)
        if group is None and day is None:
            return None
        days |= set(group or ()) | ({day} if day is not None else set())
    if len(days) == 7:
        return Plan("daily", minute, hour)
    return Plan("weekly", minute, hour, weekdays=tuple(sorted(days)))


def _day(word: str) -> int | None:
    word = word.removesuffix("s") if len(word) > 4 else word
    for names in (_DAYS, cron.WEEKDAYS):
        if word in names:
            return names.index(word)
    found = get_close_matches(word, _DAYS, 1, 0.8) if len(word) > 4 else []
    return _DAYS.index(found[0]) if found else None


def _corrected(text: str) -> str:
    """The expression with names of months and weekdays as cron knows them; empty where that is not enough."""
    fields = text.casefold().split()
    if len(fields) != 5:
        return ""
    fields[3] = re.sub("[a-z]+", lambda match: _name(match[0], _MONTHS, cron.MONTHS), fields[3])
    fields[4] = re.sub("[a-z]+", lambda match: _name(match[0], _DAYS, cron.WEEKDAYS), fields[4])
    return " ".join(fields)


def _name(word: str, long: tuple[str, ...], short: tuple[str, ...]) -> str:
    if word in short or word == "l":
        return word
    for whole, brief in zip(long, short, strict=True):
        if len(word) > 2 and whole.startswith(word.removesuffix("s")):
            return brief
    swapped = [brief for brief in short if sorted(brief) == sorted(word)]
    found = swapped or get_close_matches(word, short, 1, 0.6) or get_close_matches(word, long, 1, 0.7)
    return short[long.index(found[0])] if found and found[0] in long else found[0] if found else word


def _is_fine(expression: str) -> bool:
    try:
        cron.parse(expression)
    except ScheduleError:
        return False
    return True
