"""Holidays out of an .ics file (RFC 5545): every day that an all-day event covers, once or every year.

Meetings, which have a time of day, are no holidays; neither is the notice that the clocks change. The file is
a stranger's: whatever is wrong with it is one Invalid that says what.
"""

import calendar
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import icalendar

from domain.errors import Invalid, TooLarge

BYTES_LIMIT: Final = 2**20
EVENTS_LIMIT: Final = 5000
REPEATS_LIMIT: Final = 20_000
"""So many years of repeating events are worked out for one file, which takes about two seconds."""

_CLOCK_CHANGE: Final = re.compile(
    r"daylight[ -]saving|sommerzeit|winterzeit|summer ?time|heure d'été|夏令时|夏令時", re.IGNORECASE
)
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BY_DAY: Final = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)")
_RULE_PARTS: Final = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "WKST"}
)


@dataclass(frozen=True, slots=True)
class IcsHolidays:
    """`name` and `time_zone` are what the file calls itself, where it does."""

    name: str | None
    time_zone: str | None
    dates: tuple[date, ...]


def read_holidays(content: bytes, years: range) -> IcsHolidays:
    """The holidays that fall into `years`, in order. Blocks for up to seconds on a large file.

    Raises TooLarge, and Invalid for what is no calendar, or repeats otherwise than every year.
    """
    if len(content) > BYTES_LIMIT:
        raise TooLarge("calendar_too_large", "An .ics file may have at most 1 MiB.")
    first, last = date(years.start, 1, 1), date(years.stop - 1, 12, 31)
    parsed = _parse(content)
    events = parsed.walk("VEVENT")
    if len(events) > EVENTS_LIMIT:
        raise _broken(f"it has more than {EVENTS_LIMIT} events")
    dates: set[date] = set()
    repeats = 0
    for event in events:
        repeats += len(_years(event, first, last))
        if repeats > REPEATS_LIMIT:
            raise _broken("its events repeat too often")
        dates.update(_holidays(event, first, last))
    return IcsHolidays(_text(parsed, "X-WR-CALNAME"), _text(parsed, "X-WR-TIMEZONE"), tuple(sorted(dates)))


def _parse(content: bytes) -> Any:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _broken("it is not UTF-8") from None
    if "\x00" in text:
        raise _broken("it holds a NUL")
    try:
        return icalendar.Calendar.from_ical(text)
    # The package lets several kinds of error out, depending on where a line is broken.
    except Exception as error:
        raise _broken("it is not iCalendar") from error


def _holidays(event: Any, first: date, last: date) -> Iterator[date]:
    with _strange_events():
        start, length = _all_day(event)
        if start is None:
            return
        for begin in _begins(event, start, first - length, last):
            # A day at a time, and only those of the window, however long the event says it is.
            day, end = max(begin, first), min(begin + length, last + timedelta(days=1))
            while day < end:
                yield day
                day += timedelta(days=1)


def _years(event: Any, first: date, last: date) -> range:
    """The years in which a repeating event is to be looked for: those of the window, and where repetitions
    are counted all from its beginning."""
    with _strange_events():
        rule, (begins, _) = event.get("RRULE"), _all_day(event)
        if rule is None or begins is None:
            return range(0)
        if isinstance(rule, list) or rule.get("FREQ") != ["YEARLY"] or not _RULE_PARTS.issuperset(rule):
            raise Invalid(
                "unsupported_recurrence",
                "Holidays repeat every year (FREQ=YEARLY), by BYMONTH, BYMONTHDAY and BYDAY.",
            )
        step = max(1, rule.get("INTERVAL", [1])[0])
        # A year earlier, for an event that reaches over the turn of the year.
        missed = 0 if "COUNT" in rule else max(0, first.year - 1 - begins.year) // step
        return range(begins.year + missed * step, last.year + 1, step)


@contextmanager
def _strange_events() -> Iterator[None]:
    """A property of a stranger's event can be of any type, missing or out of range: all that is one Invalid."""
    try:
        yield
    except Invalid:
        raise
    except Exception as error:
        raise _broken("one of its events is not right") from error


def _all_day(event: Any) -> tuple[date | None, timedelta]:
    """The first day of an all-day event and how long it is; None for everything that is no holiday."""
    start = event["DTSTART"].dt
    cancelled = str(event.get("STATUS", "")).upper() == "CANCELLED"
    if isinstance(start, datetime) or cancelled or _CLOCK_CHANGE.search(str(event.get("SUMMARY", ""))):
        return None, timedelta(0)
    length = timedelta(days=1)
    if "DTEND" in event:
        length = event["DTEND"].dt - start
    elif "DURATION" in event:
        length = event["DURATION"].dt
    # Some programs write an event of one day as ending on the day it begins.
    return start, min(max(length, timedelta(days=1)), timedelta(days=366))


def _begins(event: Any, start: date, first: date, last: date) -> Iterator[date]:
    """The first days of an event and of its repetitions, without those that are excepted."""
    excepted = set(_listed(event, "EXDATE"))
    begins = {start, *_listed(event, "RDATE")}
    rule = event.get("RRULE")
    if rule is not None:
        begins |= set(_yearly(rule, start, _years(event, first, last), last))
    return (begin for begin in sorted(begins) if first <= begin <= last and begin not in excepted)


def _listed(event: Any, name: str) -> Iterator[date]:
    found = event.get(name, [])
    for dates in found if isinstance(found, list) else [found]:
        for item in dates.dts:
            if not isinstance(item.dt, date):
                raise _broken(f"{name} holds a period")
            yield item.dt.date() if isinstance(item.dt, datetime) else item.dt


def _yearly(rule: Any, start: date, years: range, last: date) -> Iterator[date]:
    """The days of FREQ=YEARLY from `start` on, by day of the month or by the n-th weekday of it."""
    until = rule.get("UNTIL", [last])[0]
    until = until.date() if isinstance(until, datetime) else until
    left = rule.get("COUNT", [10_000])[0]
    for year in years:
        for day in sorted(set(_in_year(rule, start, year))):
            if day < start:
                continue
            left -= 1
            if left < 0 or day > until:
                return
            yield day


def _in_year(rule: Any, start: date, year: int) -> Iterator[date]:
    days, weekdays = rule.get("BYMONTHDAY", []), rule.get("BYDAY", [])
    if weekdays and "BYMONTH" not in rule and not days:
        raise Invalid("unsupported_recurrence", "BYDAY of a holiday needs BYMONTH.")
    every_month = bool(days) and "BYMONTH" not in rule
    months = range(1, 13) if every_month else [int(month) for month in rule.get("BYMONTH", [start.month])]
    for month in months:
        length = calendar.monthrange(year, month)[1]
        wanted = {day if day > 0 else length + 1 + day for day in days} or set(range(1, length + 1))
        if weekdays:
            wanted &= {number for text in weekdays for number in _nth(str(text), year, month, length)}
        elif not days:
            wanted = {start.day}
        yield from (date(year, month, number) for number in wanted if 1 <= number <= length)


def _nth(text: str, year: int, month: int, length: int) -> list[int]:
    """The days of the month that `2MO`, `-1FR` or `SU` name."""
    found = _BY_DAY.fullmatch(text)
    if found is None:
        raise _broken(f"{text[:20]} is no weekday of a month")
    first = (_WEEKDAYS.index(found[2]) - date(year, month, 1).weekday()) % 7 + 1
    numbers = list(range(first, length + 1, 7))
    if found[1] is None:
        return numbers
    place = int(found[1])
    return numbers[place - 1 : place] if place > 0 else numbers[len(numbers) + place :][:1]


def _text(component: Any, name: str) -> str | None:
    value = component.get(name)
    return str(value).strip()[:200] or None if isinstance(value, str) else None


def _broken(reason: str) -> Invalid:
    return Invalid("invalid_ics", f"This .ics file cannot be read: {reason}.")
