"""Public holidays, and what a calendar becomes by them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.holidays import public_days, with_public_days
from domain.calendar import Calendar, working
from domain.errors import Invalid
from domain.hours import Interval


def make_calendar(**fields: object) -> Calendar:
    weekly = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    return Calendar.model_validate({"time_zone": "Asia/Shanghai", "weekly": weekly, **fields})


def worked_on(calendar: Calendar, day: str) -> timedelta:
    start = datetime.fromisoformat(f"{day}T00:00:00+08:00")
    return working(calendar, start, start + timedelta(days=1))


def test_a_german_state_has_holidays_of_its_own() -> None:
    bavaria, berlin = public_days("DE", "BY", [2026]), public_days("DE", "BE", [2026])
    assert date(2026, 1, 6) in bavaria.holidays
    assert date(2026, 1, 6) not in berlin.holidays
    assert {day.year for day in bavaria.holidays} == {2026}
    assert bavaria.make_up == ()


def test_china_works_on_six_days_of_weekends_in_2026() -> None:
    china = public_days("CN", None, [2026])
    assert [f"{day:%m-%d}" for day in china.make_up] == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]
    assert {date(2026, 10, day) for day in range(1, 8)} <= set(china.holidays)
    assert not set(china.make_up) & set(china.holidays)


def test_a_year_that_is_not_arranged_yet_has_its_fixed_holidays() -> None:
    china = public_days("CN", None, range(2026, 2030))
    assert date(2029, 10, 1) in china.holidays


def test_a_make_up_day_has_the_hours_of_monday() -> None:
    calendar = with_public_days(make_calendar(), public_days("CN", None, [2026]))
    assert worked_on(calendar, "2026-10-10") == timedelta(hours=9)
    assert worked_on(calendar, "2026-10-17") == timedelta(0)
    assert worked_on(calendar, "2026-10-01") == timedelta(0)


def test_what_the_calendar_says_itself_stays() -> None:
    own = make_calendar(holidays=["2026-07-10"], special_days={"2026-10-10": [["10:00", "11:00"]]})
    calendar = with_public_days(own, public_days("CN", None, [2026]))
    assert calendar.special_days[date(2026, 10, 10)] == (Interval(36_000, 39_600),)
    assert worked_on(calendar, "2026-07-10") == timedelta(0)
    assert working(own, datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC)) > timedelta(0)


@pytest.mark.parametrize("country", ["XX", "cn", "CHN", "China", "", "HolidayBase", "C\x00", "\ud800\ud800"])
def test_an_unknown_country_is_refused(country: str) -> None:
    with pytest.raises(Invalid) as refused:
        public_days(country, None, [2026])
    assert (refused.value.code, refused.value.field) == ("unknown_country", "country")


def test_an_unknown_part_is_refused_with_those_that_exist() -> None:
    with pytest.raises(Invalid, match="BY, HB") as refused:
        public_days("DE", "ZZ", [2026])
    assert refused.value.field == "subdivision"
