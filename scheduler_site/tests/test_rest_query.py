"""Query parameters: numbers, booleans, dates and ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from scheduler_site.rest.query import whole
from scheduler_site.rest.views import ApiError, SchemaError, as_uuid, boolean, date_range, integer, timestamp

ID = "e05ce2d8-ea6b-4965-b0d0-25a44ac65625"


@pytest.mark.parametrize(
    ("text", "value"), [(None, 20), ("1", 1), ("200", 200), (" 7 ", 7), ("+7", 7), ("007", 7)]
)
def test_a_number_within_bounds_is_read(text: str | None, value: int) -> None:
    params = {} if text is None else {"limit": text}
    assert integer(params, "limit", 20, low=1, high=200) == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0", "greater_than_equal"),
        ("-1", "greater_than_equal"),
        ("-" + "9" * 5000, "greater_than_equal"),
        ("201", "less_than_equal"),
        ("9" * 5000, "less_than_equal"),
        ("", "int_parsing"),
        ("x", "int_parsing"),
        ("1.5", "int_parsing"),
        ("1_0", "int_parsing"),
        ("١", "int_parsing"),
        ("1;drop", "int_parsing"),
    ],
)
def test_anything_else_is_422_and_names_the_parameter(text: str, kind: str) -> None:
    with pytest.raises(SchemaError) as caught:
        integer({"limit": text}, "limit", 20, low=1, high=200)
    fault = caught.value.body["detail"][0]
    assert (caught.value.status_code, fault["type"], fault["loc"]) == (422, kind, ["query", "limit"])
    assert fault["input"] == text


@pytest.mark.parametrize("text", ["9223372036854775808", "9" * 5000])
def test_a_huge_page_is_the_last_one_a_database_can_count_to(text: str) -> None:
    assert integer({"page": text}, "page", 1) == 2**31 - 1


@pytest.mark.parametrize("text", ["true", "TRUE", "1", "yes", "On"])
def test_the_words_for_true(text: str) -> None:
    assert boolean({"x": text}, "x") is True


@pytest.mark.parametrize("text", ["false", "False", "0", "no", "OFF"])
def test_the_words_for_false(text: str) -> None:
    assert boolean({"x": text}, "x", default=True) is False


def test_an_absent_boolean_is_its_default() -> None:
    assert boolean({}, "x", default=True) is True


@pytest.mark.parametrize("text", ["", "2", "maybe", "tru", "null"])
def test_no_boolean_is_422(text: str) -> None:
    with pytest.raises(SchemaError) as caught:
        boolean({"x": text}, "x")
    assert caught.value.body["detail"][0]["type"] == "bool_parsing"


@pytest.mark.parametrize(
    ("start", "end", "echo"),
    [
        (None, None, (None, None)),
        ("", " ", (None, None)),
        ("2025-01-01", None, ("2025-01-01T00:00:00+00:00", None)),
        (None, "2025-01-01", (None, "2025-01-02T00:00:00+00:00")),
        (None, "20250101", (None, "2025-01-02T00:00:00+00:00")),
        (None, "2025-W01-3", (None, "2025-01-02T00:00:00+00:00")),
        (None, "20250101T10", (None, "2025-01-01T10:00:00+00:00")),
        ("2025-01-01", "2025-01-01", ("2025-01-01T00:00:00+00:00", "2025-01-02T00:00:00+00:00")),
        ("2025-01-01T10:00:00", None, ("2025-01-01T10:00:00+00:00", None)),
        ("2025-01-01T10:00:00Z", None, ("2025-01-01T10:00:00+00:00", None)),
        ("2025-01-01T10:00:00.123Z", None, ("2025-01-01T10:00:00.123000+00:00", None)),
        (None, "2025-01-01T10:00:00+09:00", (None, "2025-01-01T01:00:00+00:00")),
        # A plus sign that was not escaped.
        (None, "2025-01-01T10:00:00 09:00", (None, "2025-01-01T01:00:00+00:00")),
        (None, "2025-01-01T10:00:00.123456 09:00", (None, "2025-01-01T01:00:00.123456+00:00")),
        (None, "2025-01-01 10:00 0900", (None, "2025-01-01T01:00:00+00:00")),
        (None, "2025-01-01 10:00", (None, "2025-01-01T10:00:00+00:00")),
    ],
)
def test_a_range_is_in_utc_and_a_bare_end_is_its_whole_day(
    start: str | None, end: str | None, echo: tuple[str | None, str | None]
) -> None:
    found = date_range({"from": start, "to": end})
    assert tuple(found.echo().values()) == echo
    assert tuple(found.echo(offset=False).values()) == tuple(
        text and text.removesuffix("+00:00") for text in echo
    )


def test_a_range_gives_lookups_for_the_bounds_it_has() -> None:
    found = date_range({"from": "2025-01-01", "to": "2025-01-31"})
    assert found.lookups("created_at") == {
        "created_at__gte": datetime(2025, 1, 1, tzinfo=UTC),
        "created_at__lt": datetime(2025, 2, 1, tzinfo=UTC),
    }
    assert date_range({}).lookups("created_at") == {}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2025-01-02", "2025-01-01"),
        ("2025-01-01T10:00:00Z", "2025-01-01T10:00:00Z"),
        ("2025-01-02T00:00:00Z", "2025-01-01"),
    ],
)
def test_an_empty_range_is_400(start: str, end: str) -> None:
    with pytest.raises(ApiError) as caught:
        date_range({"from": start, "to": end})
    assert (caught.value.status_code, caught.value.body["error"]) == (400, "Invalid date range")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "2025-02-30",
        "2025-13-01",
        "9999-12-31",
        "0001-01-01T00:00:00+14:00",
        "10000-01-01",
        "1735689600",
        "2025-01-01T25:00",
    ],
)
def test_no_date_is_400(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        date_range({"to": text})
    assert (caught.value.status_code, caught.value.body["error"]) == (400, "Invalid date")
    assert caught.value.body["message"].startswith("to cannot be read.")


@pytest.mark.parametrize(
    "text", ["", "1", ID[:-1], ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", f"{ID}\n", "\x00"]
)
def test_only_the_canonical_form_is_an_id(text: str) -> None:
    assert as_uuid(text) is None
    assert str(as_uuid(ID)) == ID


def test_a_timestamp_is_utc_with_microseconds_and_no_offset() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert timestamp(datetime(2026, 1, 2, 12, 4, 5, tzinfo=tokyo)) == "2026-01-02T03:04:05.000000"
    nothing: Any = None
    assert timestamp(nothing) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5), (5.0, 5), (-0.0, 0), (1e3, 1000), (5.5, None), (True, None), ("5", None), (None, None), (1e400, None),
    ],
)  # fmt: skip
def test_a_whole_number_of_json_may_be_written_with_a_point(value: object, number: int | None) -> None:
    assert whole(value) == number
