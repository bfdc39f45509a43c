"""Times as people write them in a query, made into periods from an included to an excluded instant.

A date is a day of the zone of whoever asks, `2026-W45` a week, `2026-11` a month, `2026-Q4` a quarter, `2026` a year;
an instant with or without an offset means its minute or second. `7d` is that long ago. What a field does with a
period is left to `domain/ticket/query.py`, what a report does to `domain/report/`.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

FORMS: Final = (
    "2026-11-01",
    "2026-W45",
    "2026-11",
    "2026-Q4",
    "2026",
    "2026-11-01T09:30",
    "2026-11-01T09:30:00+08:00",
    "today",
    "yesterday",
    "this_week",
    "last_month",
    "<7d",
    ">2026-11-01",
    "2026-11-01..2026-11-05",
    "none",
    "any",
)
"""What may be written, by example."""

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)

Unit = Literal["day", "week", "month", "quarter", "year"]
UNITS: Final[tuple[Unit, ...]] = get_args(Unit)

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_WEEK = re.compile(r"(\d{4})-W(\d\d)", re.ASCII | re.IGNORECASE)
_QUARTER = re.compile(r"(\d{4})-Q([1-4])", re.ASCII | re.IGNORECASE)
_NAMED = re.compile(rf"(this|last)_({'|'.join(UNITS)})")
_AGO = re.compile(r"(\d{1,5})([mhdw])", re.ASCII)
_LENGTHS: Final = {
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


def beginning(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the date or time `text` begins; raises NotAPeriod."""
    return _span(text, now, zone)[0]


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
    text = {"today": "this_day", "yesterday": "last_day"}.get(text, text)
    if found := _NAMED.fullmatch(text):
        return _named(found[1], found[2], now.astimezone(zone).date(), zone)
    if found := _AGO.fullmatch(text):
        at = now - int(found[1]) * _LENGTHS[found[2]]
        return at, at
    if found := _DATE.fullmatch(text):
        year, month, day = (int(part) if part else None for part in found.groups())
        first = date(year or 0, 1 if month is None else month, 1 if day is None else day)
        return _unit(first, "year" if month is None else "month" if day is None else "day", zone)
    if found := _WEEK.fullmatch(text):
        return _unit(date.fromisocalendar(int(found[1]), int(found[2]), 1), "week", zone)
    if found := _QUARTER.fullmatch(text):
        return _unit(date(int(found[1]), 3 * int(found[2]) - 2, 1), "quarter", zone)
    if found := _INSTANT.fullmatch(text):
        return _instant(found, zone)
    raise NotAPeriod("This is not a time")


def _named(which: str, unit: Unit | str, today: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    first = first_day(today, unit)
    return _unit(first if which == "this" else first_day(first - timedelta(days=1), unit), unit, zone)


def first_day(day: date, unit: Unit | str) -> date:
    """Of the unit that `day` is in; weeks begin on Mondays."""
    match unit:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case "year":
            return day.replace(month=1, day=1)
    return day


def following(first: date, unit: Unit | str) -> date:
    """The first day of the next unit, from the first of one."""
    longest = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
    return first_day(first + timedelta(days=longest[unit]), unit)


def _unit(first: date, unit: Unit | str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return midnight(first, zone), midnight(following(first, unit), zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
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
