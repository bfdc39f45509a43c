"""The query language: what is understood, what is refused and where."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.ticket.fields import ACTIVE, Priority, Status
from domain.ticket.filter import Asking, Field, Filter, Name, OneOf, Term, Within
from domain.ticket.query import FIELDS, LENGTH, TERMS, VALUES, parse

ME = UUID("0190b6c8-5a4e-7d2c-9a51-3f6d5f9c7a11")
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


def read(text: str, zone: ZoneInfo = SHANGHAI) -> Filter:
    return parse(text, Asking(ME, NOW, zone))


def one(text: str) -> Any:
    (condition,) = read(text).conditions
    return condition


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def refused(text: str) -> Invalid:
    with pytest.raises(Invalid) as caught:
        read(text)
    return caught.value


def test_conditions_and_words_stand_side_by_side() -> None:
    found = read('status:open priority:critical,high assignee:none breached:true "disk full" -tag:late E1024')
    assert found.conditions == (
        OneOf("status", (Status.OPEN,)),
        OneOf("priority", (Priority.CRITICAL, Priority.HIGH)),
        OneOf("assignee", (None,)),
        OneOf("breached", (True,)),
        OneOf("tags", ("late",), negated=True),
    )
    assert found.terms == (Term("disk full", phrase=True), Term("E1024"))


@pytest.mark.parametrize(
    ("text", "field", "values"),
    [
        ("requester:me", "requester", (ME,)),
        ('team:"Storage East"', "team", (Name("Storage East"),)),
        ("team:“存储”，none", "team", (Name("存储"), None)),
        ("assignee:Bo@Desk.example", "assignee", (Name("Bo@Desk.example"),)),
        (f"assignee:{ME}", "assignee", (ME,)),
        (f"id:{ME}", "id", (ME,)),
        ('assignee:"none"', "assignee", (Name("none"),)),
        ("Status：Waiting", "status", (Status.WAITING,)),
        ("status:active", "status", ACTIVE),
        ("number:12", "number", (12,)),
        ("number:#12,15", "number", (12, 15)),
        ("category:Storage,none", "category", ("storage", None)),
        ("kind:none", "kind", (None,)),
        ("resolved:none", "resolved_at", (None,)),
    ],
)
def test_a_field_takes_words_names_ids_and_numbers(text: str, field: Field, values: tuple[Any, ...]) -> None:
    assert one(text) == OneOf(field, values)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-01", "2026-11-01T00:00+08:00", "2026-11-02T00:00+08:00"),
        ("2026-02", "2026-02-01T00:00+08:00", "2026-03-01T00:00+08:00"),
        ("2026", "2026-01-01T00:00+08:00", "2027-01-01T00:00+08:00"),
        (">2026-11-01", "2026-11-02T00:00+08:00", None),
        (">=2026-11-01", "2026-11-01T00:00+08:00", None),
        ("<2026-11-01", None, "2026-11-01T00:00+08:00"),
        ("<=2026-11-01", None, "2026-11-02T00:00+08:00"),
        ("2026-11-01..2026-11-05", "2026-11-01T00:00+08:00", "2026-11-06T00:00+08:00"),
        ("..2026-11", None, "2026-12-01T00:00+08:00"),
        ("2026-11-01T09:30", "2026-11-01T09:30+08:00", "2026-11-01T09:31+08:00"),
        ("2026-11-01T09:30:05Z", "2026-11-01T09:30:05+00:00", "2026-11-01T09:30:06+00:00"),
        (">2026-11-01T09:30-05:00", "2026-11-01T14:31+00:00", None),
        ("today", "2026-11-21T00:00+08:00", "2026-11-22T00:00+08:00"),
        ("yesterday", "2026-11-20T00:00+08:00", "2026-11-21T00:00+08:00"),
        ("2026-W47", "2026-11-16T00:00+08:00", "2026-11-23T00:00+08:00"),
        ("2027-W01", "2027-01-04T00:00+08:00", "2027-01-11T00:00+08:00"),
        ("2026-Q1..2026-q3", "2026-01-01T00:00+08:00", "2026-10-01T00:00+08:00"),
        (">2026-Q4", "2027-01-01T00:00+08:00", None),
        ("this_week", "2026-11-16T00:00+08:00", "2026-11-23T00:00+08:00"),
        ("last_month", "2026-10-01T00:00+08:00", "2026-11-01T00:00+08:00"),
        ("this_quarter", "2026-10-01T00:00+08:00", "2027-01-01T00:00+08:00"),
        ("last_year", "2025-01-01T00:00+08:00", "2026-01-01T00:00+08:00"),
        ("<7d", "2026-11-14T10:30+00:00", None),
        (">2w", None, "2026-11-07T10:30+00:00"),
        ("30m..5m", "2026-11-21T10:00+00:00", "2026-11-21T10:25+00:00"),
        ("any", None, None),
    ],
)
def test_times_are_read_in_the_zone_of_whoever_asks(text: str, start: str | None, end: str | None) -> None:
    expected = Within("created_at", start and at(start), end and at(end))  # type: ignore[arg-type]  # '' is never
    assert one(f"created:{text}") == expected


def test_a_day_on_which_the_clock_changes_is_as_long_as_it_is() -> None:
    day = read("created:2026-10-25", ZoneInfo("Europe/Berlin")).conditions[0]
    assert isinstance(day, Within)
    assert isinstance(day.start, datetime)
    assert isinstance(day.end, datetime)
    assert day.end - day.start == timedelta(hours=25)


@pytest.mark.parametrize(
    ("text", "start", "end"), [("10..20", 10, 21), (">10", 11, None), ("<=20", None, 21), ("10..", 10, None)]
)
def test_numbers_have_ranges(text: str, start: int | None, end: int | None) -> None:
    assert one(f"number:{text}") == Within("number", start, end)


@pytest.mark.parametrize(
    "text",
    [
        "10:30",
        "https://desk.example/x",
        r"C:\Windows\x.sys",
        "Re: disk",
        "v2.3.1",
        "ORA-00600",
        "-",
        "磁盘",
        "a|b",
    ],
)
def test_what_is_no_field_is_text(text: str) -> None:
    found = read(f"{text} x")
    assert not found.conditions
    assert found.terms


def test_a_minus_excludes() -> None:
    assert read('-"not this" -磁盘 well-known').terms == (
        Term("not this", phrase=True, negated=True),
        Term("磁盘", negated=True),
        Term("well-known"),
    )
    assert one("-created:<7d") == Within("created_at", at("2026-11-14T10:30+00:00"), None, negated=True)


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("stauts:open", "unknown_field", 0),
        ("disk colour:red", "unknown_field", 5),
        ("status:opne", "unknown_value", 7),
        ("priority:high,urgent", "unknown_value", 14),
        ("priority:high,", "value_missing", 14),
        ("status:,open", "value_missing", 7),
        ('disk "full', "quote_open", 5),
        ('team:"Storage', "quote_open", 5),
        ("created:soon", "invalid_time", 8),
        ("created:7d", "invalid_time", 8),
        ("created:2026-02-30", "invalid_time", 8),
        ("created:2026-11-05..2026-11-01", "invalid_time", 8),
        ("created:>0001-01-01", "invalid_time", 8),
        ("created:9999-12-31", "invalid_time", 8),
        ("created:<99999w", "invalid_time", 8),
        ("created:2026-11-01T25:00", "invalid_time", 8),
        ("created:..", "invalid_time", 8),
        ("created:2026,2025", "one_value", 13),
        ("number:20..10", "reversed_range", 7),
        ("number:twelve", "unknown_value", 7),
        ("number:99999999999999999999", "unknown_value", 7),
        ("id:12", "unknown_value", 3),
        ("&& || !!", "query_empty", 0),
        (".* ^$", "query_empty", 0),
        ("   ", "query_empty", 0),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, code: str, position: int) -> None:
    error = refused(text)
    assert (error.code, error.extra["position"], error.field) == (code, position, "q")


def test_a_mistake_tells_what_is_allowed_and_what_was_perhaps_meant() -> None:
    assert refused("status:opne").extra["allowed"] == [*map(str, Status), "active"]
    assert "Do you mean open?" in refused("status:opne").detail
    assert refused("stauts:open").extra["allowed"] == sorted(FIELDS)
    assert "Do you mean status?" in refused("stauts:open").detail


@pytest.mark.parametrize(
    ("bomb", "code"),
    [
        ("x " * (LENGTH // 2 + 1), "query_too_long"),
        ("x " * (TERMS + 1), "query_too_many_terms"),
        ("tag:" + "a," * (VALUES + 1), "query_too_many_values"),
        ("(" * LENGTH, "query_empty"),
        ("-" * LENGTH, "query_empty"),
        ('"' * (LENGTH - 1), "quote_open"),
        ("status:open " * 10_000, "query_too_long"),
    ],
)
def test_bombs_are_refused(bomb: str, code: str) -> None:
    assert refused(bomb).code == code


_PIECES = st.sampled_from(
    [
        *FIELDS,
        *':：,"“”- <>=.',
        "..",
        "7d",
        "2026-11-01",
        "none",
        "me",
        "open",
        "磁盘",
        "E1024",
        "\\",
        "(",
        "*",
        "😀",
    ]
)


@settings(max_examples=60)
@given(st.lists(_PIECES, max_size=25).map("".join) | st.text(max_size=40))
def test_anything_is_either_understood_or_refused_with_a_place(text: str) -> None:
    try:
        found = read(text)
    except Invalid as error:
        place = error.extra["position"], error.field
    else:
        place = (0, "q") if found.conditions or found.terms else (-1, None)
    assert place[1] == "q"
    assert 0 <= place[0] <= len(text)


@given(
    st.sampled_from(["", "-"]),
    st.sampled_from(
        [("status", "open"), ("priority", "low"), ("tag", "vip"), ("tier", "2"), ("number", "7")]
    ),
    st.text("abcdefgh磁盘", min_size=1, max_size=8),
)
def test_the_order_of_terms_does_not_matter(minus: str, pair: tuple[str, str], word: str) -> None:
    condition = f"{minus}{pair[0]}:{pair[1]}"
    first, second = read(f"{condition} {word}"), read(f"{word} {condition}")
    assert first == second
    assert first.conditions[0].negated is bool(minus)


@settings(max_examples=30)
@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  as asked for
    st.sampled_from(["UTC", "Asia/Shanghai", "America/Sao_Paulo"]),
)
def test_every_instant_is_on_exactly_one_day(instant: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    day = instant.astimezone(zone).date()
    holding = [
        near
        for near in (day - timedelta(days=1), day, day + timedelta(days=1))
        for found in read(f"created:{near}", zone).conditions
        if isinstance(found, Within) and found.start <= instant < found.end  # type: ignore[operator]  # instants
    ]
    assert holding == [day]
