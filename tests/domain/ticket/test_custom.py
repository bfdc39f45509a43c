"""Conditions on custom fields, as the types of the fields have them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.field import COMPARED_LIMIT, Field, FieldType, comparable, comparables
from domain.ticket.custom import ordering, typed
from domain.ticket.filter import Asking, Custom, CustomField, Untyped
from domain.ticket.query import parse

NOW = datetime(2026, 11, 21, 20, tzinfo=UTC)
TYPES = {
    "plan": FieldType.CHOICE,
    "parts": FieldType.CHOICES,
    "seats": FieldType.NUMBER,
    "due": FieldType.DATE,
    "order_no": FieldType.TEXT,
    "trial": FieldType.BOOLEAN,
}
OPTIONS = ("Gold", "Silver", "No plan")


def _field(key: str, type_: FieldType) -> Field:
    options = OPTIONS if type_ in (FieldType.CHOICE, FieldType.CHOICES) else ()
    never: Any = {"label": key, "categories": (), "required": False, "active": True, "version": 1}
    return Field(id=uuid4(), key=key, type=type_, options=options, created_at=NOW, updated_at=NOW, **never)


FIELDS = [_field(key, type_) for key, type_ in TYPES.items()]


def read(query: str, zone: str = "UTC") -> Custom:
    (one,) = parse(f"field.{query}", Asking(UUID(int=1), NOW, ZoneInfo(zone))).conditions
    assert isinstance(one, Untyped)
    return typed(one, FIELDS)


TEXTS = CustomField("order_no", "text")
SEATS = CustomField("seats", "number")
DUE = CustomField("due", "text")


@pytest.mark.parametrize(
    ("query", "means"),
    [
        ("seats:5", Custom(SEATS, (Decimal(5),))),
        ("seats:5,2.5,none", Custom(SEATS, (Decimal(5), Decimal("2.5"), None))),
        ("seats:-3..2.5", Custom(SEATS, start=Decimal(-3), end=Decimal("2.5"), with_end=True)),
        ("seats:10..", Custom(SEATS, start=Decimal(10), with_end=True)),
        ("seats:>10", Custom(SEATS, start=Decimal(10), without_start=True)),
        ("seats:>=10", Custom(SEATS, start=Decimal(10))),
        ("seats:<-1", Custom(SEATS, end=Decimal(-1))),
        ("seats:<=1", Custom(SEATS, end=Decimal(1), with_end=True)),
        ("SEATS:any", Custom(SEATS)),
        ("plan:gold,SILVER", Custom(CustomField("plan", "text"), ("gold", "silver"))),
        ('plan:"no plan",none', Custom(CustomField("plan", "text"), ("no plan", None))),
        ("parts:gold", Custom(CustomField("parts", "text", single=False), ("gold",))),
        ("trial:TRUE", Custom(CustomField("trial", "text"), ("true",))),
        ('order_no:AB-7,"none"', Custom(TEXTS, ("ab-7", "none"))),
        ("due:2026-11-01", Custom(DUE, start="2026-11-01", end="2026-11-02")),
        ("due:2026-11", Custom(DUE, start="2026-11-01", end="2026-12-01")),
        ("due:>2026-11-01", Custom(DUE, start="2026-11-02")),
        ("due:2026-11-01..2026-11-05", Custom(DUE, start="2026-11-01", end="2026-11-06")),
        ("due:1931", Custom(DUE, start="1931-01-01", end="1932-01-01")),
        ("due:<2d", Custom(DUE, start="2026-11-20")),  # it is evening: the 19th began longer ago
        ("due:none", Custom(DUE, (None,))),
    ],
)
def test_a_condition_means_what_its_type_says(query: str, means: Custom) -> None:
    assert read(query) == means


def test_today_is_a_day_where_one_asks() -> None:
    days = {zone: read("due:today", zone).start for zone in ("UTC", "Asia/Shanghai", "Pacific/Niue")}
    assert days == {"UTC": "2026-11-21", "Asia/Shanghai": "2026-11-22", "Pacific/Niue": "2026-11-21"}


@pytest.mark.parametrize(
    ("query", "code", "position"),
    [
        ("moon:full", "unknown_field", 0),
        ("seat:5", "unknown_field", 0),
        ("seats:five", "unknown_value", 12),
        ("seats:1..x", "unknown_value", 12),
        ("seats:>1,2", "unknown_value", 12),
        ("seats:5..1", "reversed_range", 12),
        ("seats:any,5", "one_value", 16),
        ("seats:" + "9" * 40, "unknown_value", 12),
        ("plan:golden", "unknown_value", 11),
        ("trial:yes", "unknown_value", 12),
        ("due:soon", "invalid_time", 10),
        ("due:2026-11-01T09:30", "unknown_value", 10),
        ("due:<5h", "unknown_value", 10),
        ("due:2026-11-01,2026-11-03", "one_value", 21),
        ("due:2026-02-30", "invalid_time", 10),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(query: str, code: str, position: int) -> None:
    with pytest.raises(Invalid) as refused:
        read(query)
    assert (refused.value.code, refused.value.extra["position"]) == (code, position)


def test_a_mistake_tells_what_could_stand_there() -> None:
    with pytest.raises(Invalid, match=r"Do you mean field\.seats\?"):
        read("seat:5")
    with pytest.raises(Invalid) as refused:
        read("plan:bronze")
    assert refused.value.extra["allowed"] == [*OPTIONS, "none", "any"]


def test_a_list_has_an_order_by_fields_of_one_value() -> None:
    assert ordering("seats", FIELDS) == SEATS
    for key, code in (("parts", "no_order"), ("moon", "unknown_field")):
        with pytest.raises(Invalid) as refused:
            ordering(key, FIELDS)
        assert (refused.value.code, refused.value.field) == (code, "sort")


VALUES = st.text(max_size=300) | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False)


@given(st.dictionaries(st.sampled_from([*TYPES, "Not a key", ""]), VALUES | st.lists(VALUES), max_size=4))
def test_every_value_has_at_most_one_row_and_all_fit(values: dict[str, Any]) -> None:
    rows = comparables({key: value for key, value in values.items() if value not in (float("inf"),)})
    assert len({(row.key, row.position) for row in rows}) == len(rows)
    assert len({(row.key, row.text, row.number) for row in rows}) == len(rows)
    assert all((row.text is None) != (row.number is None) for row in rows)
    assert all(len(row.text or "") <= COMPARED_LIMIT for row in rows)


@given(st.text(min_size=190, max_size=210), st.text(min_size=190, max_size=210))
def test_long_texts_are_told_apart(one: str, other: str) -> None:
    assert (comparable(one) == comparable(other)) == (one.casefold() == other.casefold())


@given(st.dates(date(1901, 1, 1), date(2200, 1, 1)), st.integers(0, 60))
def test_a_range_of_days_holds_its_ends(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    found = read(f"due:{first}..{last}")
    assert (found.start, found.end) == (first.isoformat(), (last + timedelta(days=1)).isoformat())
