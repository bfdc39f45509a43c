"""Durations as they are written: ISO 8601 in, ISO 8601 out, never a bare number.

A duration here is a length of time, so years and months, which have no fixed length, are refused. What a
duration is counted in (working time or clock time) is left to the rule that uses it.
"""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

LONGEST: Final = timedelta(days=3653)
"""Ten years."""

_FORMAT: Final = re.compile(
    r"P(?=[0-9T])"
    r"(?:(?P<weeks>[0-9]{1,12}(?:[.,][0-9]{1,9})?)W)?"
    r"(?:(?P<days>[0-9]{1,12}(?:[.,][0-9]{1,9})?)D)?"
    r"(?:T(?=[0-9])"
    r"(?:(?P<hours>[0-9]{1,12}(?:[.,][0-9]{1,9})?)H)?"
    r"(?:(?P<minutes>[0-9]{1,12}(?:[.,][0-9]{1,9})?)M)?"
    r"(?:(?P<seconds>[0-9]{1,12}(?:[.,][0-9]{1,9})?)S)?)?"
)
_MICROSECONDS: Final = {
    "weeks": 604_800_000_000,
    "days": 86_400_000_000,
    "hours": 3_600_000_000,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
}


def parse_duration(text: str) -> timedelta:
    """The length of `PT30M`, `P1DT2H`, `P1W`, `PT0.5S`; raises PydanticCustomError, a ValueError.

    A day is 24 hours. Only the smallest unit may have a fraction, down to the microsecond.
    """
    if text.startswith("-"):
        raise _negative()
    found = _FORMAT.fullmatch(text)
    if found is None:
        raise _not_a_duration()
    parts = {unit: value for unit, value in found.groupdict().items() if value is not None}
    *larger, _ = parts.values()
    if any("." in value or "," in value for value in larger):
        raise _not_a_duration()
    total = sum(Decimal(value.replace(",", ".")) * _MICROSECONDS[unit] for unit, value in parts.items())
    if total != int(total):
        raise PydanticCustomError("duration_too_fine", "A duration is exact to the microsecond, not finer.")
    return _at_most_longest(int(total))


def format_duration(duration: timedelta) -> str:
    """`PT48H`, `PT1H30M`, `PT0.25S`, `PT0S`; with a leading minus when negative. Days are given in hours."""
    total = duration // timedelta(microseconds=1)
    sign, total = ("-", -total) if total < 0 else ("", total)
    minutes, micros = divmod(total, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    text = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if micros or not text:
        seconds, fraction = divmod(micros, 1_000_000)
        text += f"{seconds}.{fraction:06d}".rstrip("0") + "S" if fraction else f"{seconds}S"
    return f"{sign}PT{text}"


def _at_most_longest(microseconds: int) -> timedelta:
    if microseconds > LONGEST // timedelta(microseconds=1):
        raise PydanticCustomError("duration_too_long", "A duration is at most ten years (P3653D).")
    return timedelta(microseconds=microseconds)


def _not_a_duration() -> PydanticCustomError:
    return PydanticCustomError(
        "invalid_duration",
        "Write a duration as ISO 8601 text such as PT30M, PT4H, P2D or P1DT12H; years and months have no "
        "fixed length.",
    )


def _negative() -> PydanticCustomError:
    return PydanticCustomError("negative_duration", "A duration is never negative here.")


def _read(value: Any) -> timedelta:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, timedelta):
        if value < timedelta(0):
            raise _negative()
        return _at_most_longest(value // timedelta(microseconds=1))
    raise _not_a_duration()


def _read_positive(value: Any) -> timedelta:
    duration = _read(value)
    if not duration:
        raise PydanticCustomError("duration_not_positive", "The duration must be longer than nothing.")
    return duration


_WRITTEN: Final = PlainSerializer(format_duration, return_type=str, when_used="json")
_SCHEMA: Final = WithJsonSchema(
    {"type": "string", "format": "duration", "examples": ["PT30M", "PT4H", "P2D"]}
)

Duration = Annotated[timedelta, BeforeValidator(_read), _WRITTEN, _SCHEMA]
"""From nothing to ten years."""

PositiveDuration = Annotated[timedelta, BeforeValidator(_read_positive), _WRITTEN, _SCHEMA]
"""Longer than nothing, up to ten years."""

SignedDuration = Annotated[timedelta, _WRITTEN, WithJsonSchema({"type": "string", "format": "duration"})]
"""A difference that we computed and only write, such as what is left: negative when it is overdrawn."""
