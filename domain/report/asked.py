"""What a report is asked for: from when to when, in which parts, by what, and for which tickets.

Days, weeks, months and quarters are those of the time zone that the caller names. What is counted is defined in
`domain/report/figures.py`, and counted in `storage/report/`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.errors import Invalid
from domain.ticket import period as periods
from domain.ticket.period import NotAPeriod, first_day, following, midnight

Part = Literal["day", "week", "month", "quarter"]
OfTickets = Literal["team", "agent", "category", "kind", "priority", "channel", "organization"]
Dimension = Literal[OfTickets, "clock", "policy"]
Grouping = Part | Dimension

PARTS: Final[tuple[Part, ...]] = get_args(Part)
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
LONGEST: Final = timedelta(days=3660)
"""The longest period of a report: ten years."""

PARTS_LIMIT: Final = 400
ROWS_LIMIT: Final = 10_000

_FORMAT: Final = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` (included) to `end` (excluded)."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Bucket:
    """A part of the period: a day `2026-11-01`, a week `2026-W45`, a month `2026-11`, a quarter `2026-Q4`, cut where
    the period begins or ends."""

    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """`groups` are what the rows are made by, at most one of them a part of the period, which `buckets` lists.
    `only` narrows to some values of a dimension; None among them stands for none."""

    span: Span
    groups: tuple[Grouping, ...] = ()
    buckets: Sequence[Bucket] = ()
    only: Mapping[Dimension, Sequence[UUID | str | None]] = field(default_factory=dict)


def span(period: str | None, start: str | None, end: str | None, now: datetime, zone: ZoneInfo) -> Span:
    """The period of a report, by its name or by its ends; this month if nothing is said.

    `start` and `end` are instants, or dates, which stand for the instant at which they begin. An open end is now.
    Raises Invalid.
    """
    if period is not None and (start is not None or end is not None):
        raise Invalid("period_twice", "Name a period, or from and to, not both.", field="period")
    if start is None and end is not None:
        raise Invalid("period_open", "A report needs a beginning: say from.", field="from")
    if start is None:
        found = _read("this_month" if period is None else period, "period", now, zone)
    else:
        last = now if end is None else _beginning(end, "to", now, zone)
        found = (_beginning(start, "from", now, zone), last)
    return _checked(*found, now, "period" if start is None else "to")


def groups(given: Sequence[Grouping]) -> tuple[Grouping, ...]:
    """What the rows are made by. Raises Invalid for what says the same twice, or cuts the period twice."""
    if len(set(given)) < len(given):
        raise Invalid("group_twice", "Group by each of them once.", field="group_by")
    if sum(name in PARTS for name in given) > 1:
        raise Invalid(
            "parts_twice", "Cut the period by one of day, week, month and quarter.", field="group_by"
        )
    return tuple(given)


def instant(text: str | None, name: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The instant that the parameter `name` means; a date is the instant at which it begins, nothing is now."""
    return now if text is None else _beginning(text, name, now, zone)


def _beginning(text: str, name: str, now: datetime, zone: ZoneInfo) -> datetime:
    try:
        return periods.beginning(text, now, zone)
    except NotAPeriod as error:
        raise Invalid("invalid_time", f"{error}.", field=name) from None


def _read(text: str, name: str, now: datetime, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    try:
        return periods.period(text, now, zone)
    except NotAPeriod as error:
        forms = [form for form in periods.FORMS if form not in ("none", "any")]
        raise Invalid("invalid_period", f"{error}.", field=name, allowed=forms) from None


def _checked(start: datetime | None, end: datetime | None, now: datetime, name: str) -> Span:
    if start is None:
        raise Invalid("period_open", "A report needs a beginning.", field=name)
    end = end or now
    if end < start:
        raise Invalid("reversed_period", "The period ends before it begins.", field=name)
    if end - start > LONGEST:
        raise Invalid("period_too_long", f"A report spans {LONGEST.days} days at most.", field=name)
    return Span(start, end)


def buckets(whole: Span, part: Part, zone: ZoneInfo) -> list[Bucket]:
    """The parts of the period in order, without gaps; an empty period has none. Raises Invalid for more than
    PARTS_LIMIT."""
    found: list[Bucket] = []
    first = first_day(whole.start.astimezone(zone).date(), part)
    start = whole.start
    while start < whole.end:
        after = following(first, part)
        end = min(midnight(after, zone), whole.end)
        if start < end:  # a day that a zone left out has no time
            if len(found) == PARTS_LIMIT:
                message = f"More than {PARTS_LIMIT} times a {part}: take longer parts or a shorter period."
                raise Invalid("too_many_parts", message, field="group_by")
            found.append(Bucket(_name(first, part), start, end))
            start = end
        first = after
    return found


def _name(first: date, part: Part) -> str:
    if part == "quarter":
        return f"{first.year:04}-Q{(first.month + 2) // 3}"
    return first.strftime(_FORMAT[part])
