"""Public holidays of the world's countries, and the days that some of them work instead.

The dates come from the `holidays` package, for China from `chinesecalendar` where it knows the year: that holds
the State Council's arrangement day by day, weekends within a long holiday included. What a calendar does with
the dates is left to `domain/calendar.py`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

import holidays
from chinese_calendar.constants import holidays as chinese_holidays
from chinese_calendar.constants import workdays as chinese_workdays

from domain.calendar import Calendar
from domain.errors import Invalid
from domain.hours import Hours

_COUNTRY: Final = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class PublicDays:
    """`make_up` are days of a weekend that are worked in exchange for a holiday."""

    holidays: tuple[date, ...]
    make_up: tuple[date, ...]


def public_days(country: str, subdivision: str | None, years: Iterable[int]) -> PublicDays:
    """The public holidays of a country (ISO 3166, `CN`) and one of its parts (`BY` in `DE`), in order.

    Future years hold what is known today. Raises Invalid for a country or a part that is not known.
    """
    wanted = sorted(set(years))
    found = _country(country, subdivision, wanted)
    free, worked = set(found), set(getattr(found, "weekend_workdays", ()))
    if country == "CN":
        for year in {day.year for day in chinese_holidays}:
            free = {day for day in free if day.year != year}
            worked = {day for day in worked if day.year != year}
        free |= set(chinese_holidays)
        worked |= set(chinese_workdays)
    return PublicDays(
        tuple(sorted(day for day in free if day.year in wanted)),
        tuple(sorted(day for day in worked - free if day.year in wanted)),
    )


def with_public_days(calendar: Calendar, days: PublicDays) -> Calendar:
    """The calendar with these holidays added. A make-up day gets the hours of Monday, or of the first
    weekday that has any; what the calendar says of a date itself stays."""
    usual: Hours = next((hours for hours in calendar.weekly.days() if hours), ())
    make_up = dict.fromkeys(days.make_up, usual)
    return calendar.model_copy(
        update={
            "holidays": (*calendar.holidays, *days.holidays),
            "special_days": {**make_up, **calendar.special_days},
        }
    )


def _country(country: str, subdivision: str | None, years: list[int]) -> holidays.HolidayBase:
    parts = holidays.list_supported_countries().get(country) if _COUNTRY.fullmatch(country) else None
    if parts is None:
        raise Invalid(
            "unknown_country", "Name the country by two letters, such as CN or DE.", field="country"
        )
    if subdivision is not None and subdivision not in parts:
        known = ", ".join(parts) or "none"
        raise Invalid("unknown_subdivision", f"{country} has these parts: {known}.", field="subdivision")
    return holidays.country_holidays(country, subdiv=subdivision, years=years)
