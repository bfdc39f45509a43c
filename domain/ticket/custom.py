"""Conditions on custom fields, and lists in their order: what is asked, by the types that fields have.

The query language leaves such a condition as it was typed, because only the definitions tell whether `5` is a
number, an option or a text. Where a value stands in a ticket and is found again is in `storage/ticket/custom.py`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

from domain.errors import Invalid
from domain.field import Field, FieldType, comparable
from domain.ticket.filter import Asking, Custom, CustomField, Part, Untyped
from domain.ticket.mistake import in_parameter, invalid, unknown_field, unknown_value
from domain.ticket.period import NotAPeriod, period
from domain.ticket.query import ANY, CUSTOM, NONE

_UTC: Final = ZoneInfo("UTC")
_NUMBER: Final = r"-?\d{1,18}(?:\.\d{1,18})?"
_COMPARED = re.compile(rf"(>=|<=|>|<)({_NUMBER})", re.ASCII)
_RANGE = re.compile(rf"({_NUMBER})?\.\.({_NUMBER})?", re.ASCII)
_TIMES = re.compile(r"\dT|\d[mh]$", re.ASCII)
_NUMBERS: Final = ("12", "2.5", "12,15", "10..20", ">10", "<=2.5", NONE, ANY)
_DATES: Final = (
    "2026-11-01",
    "2026-11",
    "2026",
    "today",
    "<7d",
    ">2026-11-01",
    "2026-11-01..2026-11-05",
    NONE,
    ANY,
)


def typed(asked: Untyped, fields: Sequence[Field]) -> Custom:
    """The condition as its field's type has it; raises Invalid, which names the position of a mistake in a query."""
    found = _called(asked.field.text.removeprefix(CUSTOM), fields)
    try:
        if found is None:
            raise unknown_field(asked.field, [f"{CUSTOM}{one.key}" for one in fields])
        return replace(_read(found, asked.values, asked.asking), negated=asked.negated)
    except Invalid as error:
        raise in_parameter(error, asked.parameter) from None


def ordering(key: str, fields: Sequence[Field]) -> CustomField:
    """The field that a list is to be sorted by; raises Invalid for one that there is not or that has no order."""
    found = _called(key, fields)
    if found is None:
        raise Invalid("unknown_field", f"There is no custom field {key}.", field="sort")
    if found.type is FieldType.CHOICES:
        raise Invalid("no_order", "A field that holds several values has no order.", field="sort")
    return _compared(found)


def _called(key: str, fields: Iterable[Field]) -> Field | None:
    return next((field for field in fields if field.key == key), None)


def _compared(field: Field) -> CustomField:
    kind: Literal["number", "text"] = "number" if field.type is FieldType.NUMBER else "text"
    return CustomField(field.key, kind, single=field.type is not FieldType.CHOICES)


def _read(definition: Field, values: Sequence[Part], asking: Asking) -> Custom:
    field = _compared(definition)
    if any(part.is_word(ANY) for part in values):
        _check_alone(values)
        return Custom(field)
    match definition.type:
        case FieldType.NUMBER:
            return _numbers(field, values)
        case FieldType.DATE:
            return _dates(field, values, asking)
        case FieldType.TEXT:
            return Custom(field, tuple(None if one.is_word(NONE) else comparable(one.text) for one in values))
        case FieldType.BOOLEAN:
            return Custom(field, tuple(_option(one, ("true", "false")) for one in values))
        case FieldType.CHOICE | FieldType.CHOICES:
            return Custom(field, tuple(_option(one, definition.options) for one in values))


def _check_alone(values: Sequence[Part]) -> None:
    if len(values) > 1:
        raise invalid(
            "one_value", "This field takes one value here, which may be a range.", values[1].position
        )


def _option(part: Part, options: Sequence[str]) -> str | None:
    wanted = comparable(part.text)
    if part.is_word(NONE):
        return None
    if wanted not in map(comparable, options):
        raise unknown_value(part, (*options, NONE, ANY))
    return wanted


def _numbers(field: CustomField, values: Sequence[Part]) -> Custom:
    if len(values) == 1 and (found := _number_range(field, values[0])):
        return found
    return Custom(field, tuple(None if part.is_word(NONE) else _number(part) for part in values))


def _number(part: Part) -> Decimal:
    if not re.fullmatch(_NUMBER, part.text, re.ASCII):
        raise unknown_value(part, _NUMBERS)
    return Decimal(part.text)


def _number_range(field: CustomField, part: Part) -> Custom | None:
    if found := _RANGE.fullmatch(part.text):
        start, end = (Decimal(one) if one else None for one in found.groups())
        if start is None and end is None:
            return None
        if start is not None and end is not None and end < start:
            raise invalid("reversed_range", "The range ends before it begins.", part.position)
        return Custom(field, start=start, end=end, with_end=True)
    if found := _COMPARED.fullmatch(part.text):
        sign, number = found[1], Decimal(found[2])
        if sign.startswith(">"):
            return Custom(field, start=number, without_start=sign == ">")
        return Custom(field, end=number, with_end=sign == "<=")
    return None


def _dates(field: CustomField, values: Sequence[Part], asking: Asking) -> Custom:
    """Days without a time, so those of the calendar: there is no zone in them but in what today is."""
    _check_alone(values)
    part = values[0]
    if part.is_word(NONE):
        return Custom(field, (None,))
    if _TIMES.search(part.text):
        raise unknown_value(part, _DATES)
    here = asking.now.astimezone(asking.zone).replace(tzinfo=UTC)
    try:
        start, end = period(part.text, here, _UTC)
    except NotAPeriod as error:
        raise invalid("invalid_time", f"{error}.", part.position, allowed=_DATES) from None
    return Custom(field, start=_day(start), end=_day(end))


def _day(at: datetime | None) -> str | None:
    """The first day that begins at `at` or later."""
    if at is None:
        return None
    return (at + timedelta(days=1) - timedelta.resolution).date().isoformat()
