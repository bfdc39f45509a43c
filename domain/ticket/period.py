"""Times as people write them in a query, made into periods from an included to an excluded instant.

A date is a day of the zone of whoever asks, `2026-11` a month, `2026` a year; an instant with or without an
offset means its minute or second. `7d` is that long ago. What a field does with a period is left to
`domain/ticket/query.py`.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

FORMS: Final = (
    "2026-11-01",
    "2026-11",
    "2026",
    "2026-11-01T09:30",
    "2026-11-01T09:30:00+08:00",
    "today",
    "yesterday",
    "<7d",
    ">2026-11-01",
    "2026-11-01..2026-11-05",
    "none",
    "any",
)
"""What may be written, by example."""

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_AGO = re.compile(r"(\d{1,5})([mhdw])", re.ASCII)
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}

Period = tuple[datetime | None, datetime | None]
"""From (included) to (excluded), in UTC; None is open."""


class NotAPeriod(ValueError):
    """The text is no time; the message says what is wrong with it."""


def period(text: str, now: datetime, zone: ZoneInfo) -> Period:
    """The period that `text` names; raises NotAPeriod."""
    if ".." in text:
        return _from_to(text, now, zone)
    for sign in (">=", "<=", ">", "<"):
        if text.startswith(sign):
            return _compared(sign, text.removeprefix(sign), now, zone)
    start, end = _span(text, now, zone)
    if _AGO.fullmatch(text):
        raise NotAPeriod(f"Write <{text} for less than {text} ago, or >{text} for longer ago")
    return start, end


def _from_to(text: str, now: datetime, zone: ZoneInfo) -> Period:
    first, _, last = text.partition("..")
    start = _span(first, now, zone)[0] if first else None
    end = _span(last, now, zone)[1] if last else None
    if start is None and end is None:
        raise NotAPeriod("A range needs a beginning or an end")
    if start is not None and end is not None and end < start:
        raise NotAPeriod("The range ends before it begins")
    return start, end


def _compared(sign: str, text: str, now: datetime, zone: ZoneInfo) -> Period:
    start, end = _span(text, now, zone)
    if _AGO.fullmatch(text):  # `<7d` is less than seven days ago: later than that instant
        return (start, None) if sign.startswith("<") else (None, start)
    if sign.startswith(">"):
        return (start if sign == ">=" else end), None
    return None, (end if sign == "<=" else start)


def _span(text: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    try:
        start, end = _read(text, now, zone)
    except (ValueError, OverflowError) as error:
        if isinstance(error, NotAPeriod):
            raise
        raise NotAPeriod(f"{text} is not in the calendar") from None
    if not EARLIEST <= start <= end <= LATEST:
        raise NotAPeriod("Years are from 1900 to 8999")
    return start, end


def _read(text: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    if text in ("today", "yesterday"):
        today = now.astimezone(zone).date()
        return _days(today if text == "today" else today - timedelta(days=1), 1, zone)
    if found := _AGO.fullmatch(text):
        at = now - int(found[1]) * _UNITS[found[2]]
        return at, at
    if found := _DATE.fullmatch(text):
        year, month, day = (int(part) if part else None for part in found.groups())
        return _dates(year or 0, month, day, zone)
    if found := _INSTANT.fullmatch(text):
        return _instant(found, zone)
    raise NotAPeriod("This is not a time")


def _dates(year: int, month: int | None, day: int | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    first = date(year, 1 if month is None else month, 1 if day is None else day)
    if day is not None:
        return _days(first, 1, zone)
    after = date(year + 1, 1, 1) if month in (None, 12) else date(year, (month or 0) + 1, 1)
    return _days(first, (after - first).days, zone)


def _days(first: date, count: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return _midnight(first, zone), _midnight(first + timedelta(days=count), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Where a change of the clock skips midnight, the instant at which the day begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _instant(found: re.Match[str], zone: ZoneInfo) -> tuple[datetime, datetime]:
    day, hour, minute, second, offset = found.groups()
    at = datetime.combine(date.fromisoformat(day), time(int(hour), int(minute), int(second or 0)), zone)
    if offset == "Z":
        at = at.replace(tzinfo=UTC)
    elif offset:
        digits = offset[1:].replace(":", "")
        length = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        at = at.replace(tzinfo=timezone(length if offset[0] == "+" else -length))
    start = at.astimezone(UTC)
    return start, start + (timedelta(minutes=1) if second is None else timedelta(seconds=1))
