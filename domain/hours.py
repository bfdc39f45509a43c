"""Opening hours and dates as they are written: `["09:00", "12:00"]`, `2026-10-01`.

What a calendar makes of them is in `domain/calendar.py`.
"""

import re
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
"""In microseconds."""

INTERVALS_LIMIT: Final = 48
DATES_LIMIT: Final = 5000

_TIME: Final = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?|24:00(?::00)?)")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """From opening to closing on the wall clock of one day, in seconds since midnight; 86400 ends the day."""

    opens: int
    closes: int


def _read_interval(value: Any) -> Interval:
    if isinstance(value, Interval):
        return value
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise PydanticCustomError(
            "invalid_interval", 'Write an interval as two times of day, such as ["09:00", "12:30"].'
        )
    opens, closes = (_read_time(item) for item in value)
    if opens >= closes:
        raise PydanticCustomError(
            "reversed_interval",
            "An interval closes after it opens, on the same day. Hours past midnight are two intervals: until "
            "24:00, and from 00:00 on the next day.",
        )
    return Interval(opens, closes)


def _read_time(value: Any) -> int:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError(
            "invalid_time_of_day", "A time of day is HH:MM or HH:MM:SS, from 00:00 to 24:00."
        )
    if found[1] is None:
        return 86_400
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)


def _write_interval(interval: Interval) -> list[str]:
    return [_write_time(interval.opens), _write_time(interval.closes)]


def _write_time(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{text}:{rest:02d}" if rest else text


def _apart(hours: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """In order; intervals may touch."""
    ordered = tuple(sorted(hours))
    for one, following in pairwise(ordered):
        if following.opens < one.closes:
            first, second = ("–".join(_write_interval(interval)) for interval in (one, following))
            raise PydanticCustomError(
                "overlapping_intervals",
                "The intervals {first} and {second} overlap.",
                {"first": first, "second": second},
            )
    return ordered


def _read_date(value: Any) -> date:
    if type(value) is date:
        return value
    try:
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            raise ValueError
        day = date.fromisoformat(value)
        if not 1900 <= day.year < 2300:
            raise ValueError
    except ValueError:
        raise PydanticCustomError(
            "invalid_date", "A date is YYYY-MM-DD, such as 2026-10-01, from 1900 to 2299."
        ) from None
    return day


Day = Annotated[date, BeforeValidator(_read_date)]
"""A date as text, never a number."""

_INTERVAL_SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "items": {"type": "string"},
    "minItems": 2,
    "maxItems": 2,
    "examples": [["09:00", "12:30"], ["13:00", "24:00"]],
}
_AsWritten = Annotated[
    Interval,
    PlainValidator(_read_interval),
    PlainSerializer(_write_interval, return_type=list[str]),
    WithJsonSchema(_INTERVAL_SCHEMA),
]

Hours = Annotated[tuple[_AsWritten, ...], Field(max_length=INTERVALS_LIMIT), AfterValidator(_apart)]
"""The intervals of a day, in order; empty when it is closed."""

Holidays = Annotated[
    tuple[Day, ...], Field(max_length=DATES_LIMIT), AfterValidator(lambda days: tuple(sorted(set(days))))
]
"""Dates, each once, in order."""
