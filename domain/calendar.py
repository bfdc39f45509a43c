"""Calendars: when a desk works, and how much working time lies between two instants.

A calendar is open at an instant exactly when the clock on the wall of its time zone then shows an opening hour
of that day. All answers follow from this one sentence: an hour that the clock skips in spring is not worked, an
hour that it shows twice in autumn is worked twice, and a day that a country left out was never there. Where
calendars are kept is left to `storage/calendar.py`, public holidays to `adapters/holidays.py`; the text forms of
hours and dates are in `domain/hours.py`.

Instants go in as aware datetimes and come out in UTC; sums are whole microseconds and so exact.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Final, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from domain.errors import Invalid
from domain.hours import DATES_LIMIT, DAY, SECOND, Day, Holidays, Hours
from domain.text import Name, TimeZone

WEEK: Final = 7 * DAY
HORIZON: Final = 100 * 366 * DAY
"""How far ahead opening hours are looked for: ten years of working time fit in for a forty-hour week."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# Far enough from the ends of `datetime` that no time zone and no horizon leaves it.
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2300, 1, 1, tzinfo=UTC)
# The shortest time between two changes of the clock that undo each other is seven days in the zones of the
# IANA database since 1970, so the difference to UTC that is the same at both ends of half that held throughout.
_PROBE: Final = WEEK // 2


class Weekly(BaseModel):
    """The usual hours of each weekday; one that is left out is closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mon: Hours = ()
    tue: Hours = ()
    wed: Hours = ()
    thu: Hours = ()
    fri: Hours = ()
    sat: Hours = ()
    sun: Hours = ()

    def days(self) -> tuple[Hours, ...]:
        """Monday first."""
        return (self.mon, self.tue, self.wed, self.thu, self.fri, self.sat, self.sun)


class Calendar(BaseModel):
    """Hours of a week in a time zone, holidays, and special days, which overrule both.

    A special day without hours is closed. A calendar that is never open is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name | None = None
    time_zone: TimeZone = "UTC"
    weekly: Weekly = Weekly()
    holidays: Holidays = ()
    special_days: Annotated[dict[Day, Hours], Field(max_length=DATES_LIMIT)] = {}

    @model_validator(mode="after")
    def _opens(self) -> Self:
        if not any(self.weekly.days()) and not any(self.special_days.values()):
            raise PydanticCustomError("never_open", "The calendar is never open: give weekly hours.")
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy is validated like any other calendar, and works out its own plan."""
        return type(self).model_validate({**dict(self), **(update or {})})

    def plain(self) -> "Calendar":
        """The same calendar without what a subclass knows beside it."""
        return Calendar.model_validate({name: getattr(self, name) for name in Calendar.model_fields})

    @property
    def always(self) -> bool:
        """Open around the clock, every day."""
        return self._plan.always

    @cached_property
    def _plan(self) -> "_Plan":
        return _Plan.of(self)


ALWAYS: Final = Calendar.model_validate(
    {
        "name": "24x7",
        "weekly": {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
    }
)
"""The built-in calendar `24x7`."""


class CalendarRecord(Calendar):
    """A calendar that the desk keeps, at its current or an earlier version.

    `country` and `subdivision` say whose public holidays were filled in when this version was written.
    """

    model_config = ConfigDict(extra="ignore")

    id: UUID
    version: int
    country: str | None
    subdivision: str | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
    archived_at: AwareDatetime | None


def working(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """The working time in [start, end); zero if `end` is not after `start`."""
    first, last = _micros(start), _micros(end)
    if last <= first:
        return timedelta(0)
    if calendar.always:
        return timedelta(microseconds=last - first)
    plan, total = calendar._plan, 0
    for stretch in _stretches(plan, first, last):
        if stretch.weekly:
            total += plan.week
        else:
            total += sum(closes - opens for opens, closes in _open_in(plan, stretch))
    return timedelta(microseconds=total)


def add_working(calendar: Calendar, start: datetime, amount: timedelta) -> datetime:
    """The first instant by which `amount` of working time has passed since `start`.

    An amount that is used up exactly when the desk closes is due at closing time, not at the next opening.
    Nothing, or less, is due at `start` itself, open or not. Raises Invalid `calendar_exhausted` when the
    calendar has not that much working time left within the HORIZON.
    """
    first, left = _micros(start), amount // _MICROSECOND
    if left <= 0:
        return _instant(first)
    if calendar.always:
        return _instant(first + left)
    plan = calendar._plan
    for stretch in _stretches(plan, first, first + HORIZON):
        if stretch.weekly and left > plan.week:
            left -= plan.week
            continue
        for opens, closes in _open_in(plan, stretch):
            if left <= closes - opens:
                return _instant(opens + left)
            left -= closes - opens
    raise _exhausted()


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether `at` is working time; at closing time it no longer is."""
    if calendar.always:
        return True
    now = _micros(at)
    stretch = next(_stretches(calendar._plan, now, now + 1))
    return any(_open_in(calendar._plan, stretch))


def next_opening(calendar: Calendar, at: datetime) -> datetime:
    """The first instant of working time from `at` on: `at` itself when the calendar is open then.

    Raises Invalid `calendar_exhausted` when it never opens again within the HORIZON.
    """
    now = _micros(at)
    if calendar.always:
        return _instant(now)
    for stretch in _stretches(calendar._plan, now, now + HORIZON):
        for opens, _ in _open_in(calendar._plan, stretch):
            return _instant(opens)
    raise _exhausted()


Spans = tuple[tuple[int, int], ...]
"""Opening and closing in microseconds of a day, apart from each other, in order."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """A calendar made ready for counting: microseconds instead of hours, day numbers since 1970 for dates.

    `dates` are the days that are not like their weekday, in order, and `days` what they are like instead;
    `week` is the working time of a week without any.
    """

    zone: ZoneInfo
    weekdays: tuple[Spans, ...]
    week: int
    dates: tuple[int, ...]
    days: Mapping[int, Spans]
    always: bool

    @classmethod
    def of(cls, calendar: Calendar) -> "_Plan":
        weekdays = tuple(_merged(hours) for hours in calendar.weekly.days())
        days: dict[int, Spans] = {_day_number(day): () for day in calendar.holidays}
        days |= {_day_number(day): _merged(hours) for day, hours in calendar.special_days.items()}
        days = {number: spans for number, spans in days.items() if spans != weekdays[_weekday(number)]}
        whole = all(spans == ((0, DAY),) for spans in weekdays)
        week = sum(closes - opens for spans in weekdays for opens, closes in spans)
        zone = ZoneInfo(calendar.time_zone)
        return cls(zone, weekdays, week, tuple(sorted(days)), days, whole and not days)

    def spans(self, number: int) -> Spans:
        found = self.days.get(number)
        return self.weekdays[_weekday(number)] if found is None else found

    def is_regular(self, first: int, last: int) -> bool:
        """Whether all days from `first` to `last` are like their weekday."""
        position = bisect_left(self.dates, first)
        return position == len(self.dates) or self.dates[position] > last

    def ends_before(self, number: int) -> bool:
        """Whether the calendar opens on no day from `number` on."""
        return not self.week and (not self.dates or self.dates[-1] < number)

    def offset(self, at: int) -> int:
        """What the clock on the wall is ahead of UTC at an instant, in microseconds."""
        there = datetime.fromtimestamp(at // SECOND, self.zone)
        ahead = there.utcoffset()
        assert ahead is not None
        return ahead // _MICROSECOND


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A span of time in which the clock on the wall runs evenly, `offset` ahead of UTC.

    `weekly`: it is seven regular days long, so its working time is that of the usual week.
    """

    start: int
    end: int
    offset: int
    weekly: bool


def _stretches(plan: _Plan, start: int, end: int) -> Iterator[_Stretch]:
    """[start, end) in order, cut where the clock is changed, in pieces of at most a week.

    Stops early once the calendar never opens again.
    """
    offset = plan.offset(start)
    while start < end:
        if plan.ends_before((start + offset) // DAY - 1):
            return
        stop, after = _steady(plan, start, min(start + WEEK, end), offset)
        whole = stop - start == WEEK
        weekly = whole and plan.is_regular((start + offset) // DAY, (stop - 1 + offset) // DAY)
        yield _Stretch(start, stop, offset, weekly)
        start, offset = stop, after


def _steady(plan: _Plan, start: int, end: int, offset: int) -> tuple[int, int]:
    """Up to where in (start, end] the clock runs evenly from `start`, and the offset from there on."""
    low = start
    while low < end:
        high = min(low + _PROBE, end)
        after = plan.offset(high)
        if after != offset:
            return _change(plan, low, high, offset)
        low = high
    return end, offset


def _change(plan: _Plan, low: int, high: int, offset: int) -> tuple[int, int]:
    """The first second in (low, high] from which the offset is another, and which."""
    low, high = low // SECOND, high // SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if plan.offset(middle * SECOND) == offset:
            low = middle
        else:
            high = middle
    return high * SECOND, plan.offset(high * SECOND)


def _open_in(plan: _Plan, stretch: _Stretch) -> Iterator[tuple[int, int]]:
    """The working time of a stretch, in order."""
    for number in range(
        (stretch.start + stretch.offset) // DAY, (stretch.end - 1 + stretch.offset) // DAY + 1
    ):
        midnight = number * DAY - stretch.offset
        for opens, closes in plan.spans(number):
            first, last = max(midnight + opens, stretch.start), min(midnight + closes, stretch.end)
            if first < last:
                yield first, last


def _merged(hours: Hours) -> Spans:
    """Intervals that touch become one, so that a due time at their seam is like any other."""
    spans: list[tuple[int, int]] = []
    for interval in hours:
        opens, closes = interval.opens * SECOND, interval.closes * SECOND
        if spans and spans[-1][1] == opens:
            spans[-1] = (spans[-1][0], closes)
        else:
            spans.append((opens, closes))
    return tuple(spans)


def _day_number(day: date) -> int:
    return (day - _EPOCH.date()).days


def _weekday(number: int) -> int:
    return (number + _EPOCH.weekday()) % 7


def _micros(at: datetime) -> int:
    if at.tzinfo is None:
        raise Invalid("timezone_aware", "A time needs its offset, such as 2026-11-21T09:00:00+08:00 or …Z.")
    if not _EARLIEST.replace(tzinfo=None) <= at.replace(tzinfo=None) < _LATEST.replace(tzinfo=None):
        raise Invalid("time_out_of_range", "Working time is counted for the years 1900 to 2299.")
    # Differences between datetimes of one zone are taken on its wall clock, so UTC comes first.
    return (at.astimezone(UTC) - _EPOCH) // _MICROSECOND


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _exhausted() -> Invalid:
    return Invalid("calendar_exhausted", "The calendar has not that much working time left.")
