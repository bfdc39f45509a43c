"""Calendars as they are sent: hours and dates, and a country whose public holidays are filled in."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints

from adapters.holidays import public_days, with_public_days
from api.forms import Form, absent, as_request
from domain.calendar import Calendar, Weekly
from domain.errors import Conflict
from domain.hours import DATES_LIMIT, Day, Holidays, Hours
from domain.text import Name, TimeZone

YEARS_AHEAD: Final = 3

Country = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_upper=True, max_length=10),
    Field(description="ISO 3166 code, such as CN: its public holidays and make-up days are filled in."),
]
Subdivision = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]
BuiltIn = Literal["24x7"]


class InlineCalendar(Calendar):
    """A calendar that is only asked, or not stored yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    country: Country | None = None
    subdivision: Subdivision | None = None


class NewCalendar(InlineCalendar):
    name: Name


class CalendarChanges(Form):
    """Only the fields that are sent change, each as a whole. A `country` adds its public holidays of this
    and the next years to those that stand there."""

    name: Name = Field(default_factory=absent)
    time_zone: TimeZone = Field(default_factory=absent)
    weekly: Weekly = Field(default_factory=absent)
    holidays: Holidays = Field(default_factory=absent)
    special_days: Annotated[dict[Day, Hours], Field(max_length=DATES_LIMIT)] = Field(default_factory=absent)
    country: Country | None = None
    subdivision: Subdivision | None = None


def years_from(first: int) -> range:
    return range(first, first + YEARS_AHEAD + 1)


def coming_years() -> range:
    """This year and those after it for which holidays are filled in."""
    return years_from(datetime.now(UTC).year)


async def with_country(
    calendar: Calendar, country: str | None, subdivision: str | None, years: Iterable[int], *place: str
) -> Calendar:
    """The calendar with the public holidays of the country, if there is one. `place` is where it stands in
    the body. Raises Invalid for an unknown country."""
    if country is None:
        return calendar
    days = await asyncio.to_thread(public_days, country, subdivision, years)
    with as_request(*place):
        return with_public_days(calendar, days)


def built_in() -> Conflict:
    return Conflict("built_in_calendar", "The calendar 24x7 is built in and stays as it is.")
