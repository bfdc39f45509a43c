"""Working time by example: rows known from elsewhere, the odd days of the world's clocks, refusals."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from domain.calendar import ALWAYS, Calendar, add_working, is_open, next_opening, working
from domain.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE = {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in DAYS[:5]}
HOUR = timedelta(hours=1)


def make_calendar(time_zone: str = "UTC", weekly: Any = None, **fields: Any) -> Calendar:
    return Calendar.model_validate(
        {"time_zone": time_zone, "weekly": OFFICE if weekly is None else weekly, **fields}
    )


def every_day(*hours: tuple[str, str]) -> dict[str, list[list[str]]]:
    return {day: [list(interval) for interval in hours] for day in DAYS}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# Examples


def test_a_lunch_break_is_not_worked() -> None:
    office = make_calendar("Asia/Shanghai")
    due = add_working(office, at("2026-11-19T11:30:00+08:00"), HOUR)
    assert due == at("2026-11-19T13:30:00+08:00")
    assert due.tzinfo is UTC


def test_time_used_up_at_closing_is_due_at_closing() -> None:
    office = make_calendar()
    assert add_working(office, at("2026-11-20T17:00:00Z"), HOUR) == at("2026-11-20T18:00:00Z")
    assert add_working(office, at("2026-11-20T11:00:00Z"), HOUR) == at("2026-11-20T12:00:00Z")


def test_a_microsecond_more_is_due_after_the_weekend() -> None:
    due = add_working(make_calendar(), at("2026-11-20T17:00:00Z"), HOUR + timedelta(microseconds=1))
    assert due == at("2026-11-23T09:00:00.000001Z")


def test_nothing_is_due_at_once_even_when_closed() -> None:
    night = at("2026-11-20T23:00:00Z")
    assert add_working(make_calendar(), night, timedelta(0)) == night
    assert add_working(make_calendar(), night, -HOUR) == night


def test_no_time_passes_backwards() -> None:
    assert working(make_calendar(), at("2026-11-20T12:00:00Z"), at("2026-11-20T09:00:00Z")) == timedelta(0)


def test_touching_intervals_are_one() -> None:
    touching = make_calendar(weekly=every_day(("12:00", "24:00"), ("00:00", "12:00")))
    assert touching.always
    assert add_working(touching, at("2026-11-20T11:00:00Z"), 30 * HOUR) == at("2026-11-21T17:00:00Z")


def test_a_holiday_is_closed_and_a_make_up_day_is_open() -> None:
    china = make_calendar(
        "Asia/Shanghai",
        holidays=[f"2026-10-0{day}" for day in range(1, 8)],
        special_days={"2026-10-10": [["09:00", "18:00"]]},
    )
    assert add_working(china, at("2026-09-30T17:00:00+08:00"), 2 * HOUR) == at("2026-10-08T10:00:00+08:00")
    assert working(china, at("2026-10-10T00:00:00+08:00"), at("2026-10-11T00:00:00+08:00")) == 9 * HOUR


def test_a_special_day_overrules_the_holiday_and_the_week() -> None:
    day: dict[str, Any] = {
        "holidays": ["2026-11-20"],
        "special_days": {"2026-11-20": [["10:00", "11:00"]], "2026-11-19": []},
    }
    calendar = make_calendar(**day)
    assert working(calendar, at("2026-11-19T00:00:00Z"), at("2026-11-21T00:00:00Z")) == HOUR


# Request Tracker, t/sla/timezone.t: two business hours from 2007-01-01T22:00Z.
@pytest.mark.parametrize(
    ("time_zone", "due"),
    [("America/New_York", "2007-01-02T15:00:00Z"), ("Europe/Moscow", "2007-01-02T08:00:00Z")],
)
def test_due_times_that_another_desk_gives(time_zone: str, due: str) -> None:
    calendar = make_calendar(time_zone, {day: [["09:00", "18:00"]] for day in DAYS[:5]})
    assert add_working(calendar, at("2007-01-01T22:00:00Z"), 2 * HOUR) == at(due)


@pytest.mark.parametrize(
    ("time_zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Asia/Shanghai", "2026-03-29", 24),
        ("America/Sao_Paulo", "2018-11-04", 23),  # midnight does not exist
        ("America/Sao_Paulo", "2018-02-17", 25),
        ("Asia/Beirut", "2024-03-31", 23),
        ("Africa/Cairo", "2024-04-26", 23),
        ("America/Havana", "2024-11-03", 25),  # midnight comes twice
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-30", 0),  # the day that was left out
        ("Pacific/Apia", "2011-12-31", 24),
    ],
)
def test_a_whole_day_is_as_long_as_the_clock_shows_it(time_zone: str, day: str, hours: float) -> None:
    closed: dict[str, Any] = {"weekly": {}, "special_days": {day: [["00:00", "24:00"]]}}
    start = at(day).replace(tzinfo=UTC) - timedelta(days=3)
    assert working(make_calendar(time_zone, **closed), start, start + timedelta(days=7)) == hours * HOUR


@pytest.mark.parametrize(
    ("hours", "worked"),
    [
        ([["01:00", "03:30"]], 3.5),  # around the repeated hour
        ([["02:00", "03:00"]], 2),  # the repeated hour itself
        ([["02:30", "03:00"]], 1),  # half of it, twice
        ([["01:00", "02:00"]], 1),  # ends as it begins
        ([["01:00", "02:15"], ["02:45", "04:00"]], 3),  # a break that comes twice
    ],
)
def test_an_hour_shown_twice_is_worked_twice(hours: list[list[str]], worked: float) -> None:
    berlin = make_calendar("Europe/Berlin", {"sun": hours})
    start = at("2026-10-25T00:00:00+02:00")
    assert working(berlin, start, start + timedelta(days=1)) == worked * HOUR


def test_an_interval_inside_the_skipped_hour_is_not_there() -> None:
    berlin = make_calendar("Europe/Berlin", {"sun": [["02:15", "02:45"]]})
    assert next_opening(berlin, at("2026-03-29T00:00:00Z")) == at("2026-04-05T02:15:00+02:00")


def test_opening_that_falls_into_the_skipped_hour_is_when_the_clock_jumps() -> None:
    berlin = make_calendar("Europe/Berlin", {"sun": [["02:30", "05:00"]]})
    assert next_opening(berlin, at("2026-03-29T00:00:00Z")) == at("2026-03-29T01:00:00Z")
    assert add_working(berlin, at("2026-03-29T00:00:00Z"), 2 * HOUR) == at("2026-03-29T05:00:00+02:00")


def test_instants_of_one_zone_are_not_subtracted_on_its_wall_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start, end = datetime(2026, 10, 25, 0, tzinfo=berlin), datetime(2026, 10, 26, 0, tzinfo=berlin)
    assert working(ALWAYS, start, end) == 25 * HOUR


def test_ten_years_of_working_time_are_added_and_counted_back() -> None:
    office = make_calendar("America/New_York", holidays=["2026-12-25"])
    start, amount = at("2026-11-21T06:00:00Z"), timedelta(days=3653)
    due = add_working(office, start, amount)
    assert due.year == 2068
    assert working(office, start, due) == amount


def test_an_opening_and_closing_belong_to_the_day_only_at_its_start() -> None:
    office = make_calendar()
    assert is_open(office, at("2026-11-20T09:00:00Z"))
    assert not is_open(office, at("2026-11-20T12:00:00Z"))
    assert next_opening(office, at("2026-11-20T12:00:00Z")) == at("2026-11-20T13:00:00Z")
    assert next_opening(office, at("2026-11-20T13:30:00Z")) == at("2026-11-20T13:30:00Z")


# Refusals


def test_a_calendar_that_runs_out_says_so() -> None:
    once = make_calendar(weekly={}, special_days={"2026-11-20": [["09:00", "10:00"]]})
    with pytest.raises(Invalid) as refused:
        add_working(once, at("2026-11-01T00:00:00Z"), HOUR + timedelta(microseconds=1))
    assert refused.value.code == "calendar_exhausted"
    assert add_working(once, at("2026-11-01T00:00:00Z"), HOUR) == at("2026-11-20T10:00:00Z")
    with pytest.raises(Invalid, match="working time left"):
        next_opening(once, at("2026-11-21T00:00:00Z"))


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (datetime(2026, 11, 21), "timezone_aware"),  # noqa: DTZ001  naive on purpose
        (datetime.min.replace(tzinfo=ZoneInfo("Asia/Shanghai")), "time_out_of_range"),
        (datetime.max.replace(tzinfo=ZoneInfo("America/New_York")), "time_out_of_range"),
    ],
)
def test_times_that_cannot_be_counted_are_refused(start: datetime, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        add_working(make_calendar(), start, HOUR)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("fields", "where", "code"),
    [
        (
            {"weekly": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}},
            "weekly.mon",
            "overlapping_intervals",
        ),
        ({"weekly": {"mon": [["12:00", "09:00"]]}}, "weekly.mon.0", "reversed_interval"),
        ({"weekly": {"mon": [["09:00", "09:00"]]}}, "weekly.mon.0", "reversed_interval"),
        ({"weekly": {"mon": [["22:00", "06:00"]]}}, "weekly.mon.0", "reversed_interval"),
        ({"weekly": {"mon": [["24:00", "24:00"]]}}, "weekly.mon.0", "reversed_interval"),
        ({"weekly": {"mon": [["09:00", "24:01"]]}}, "weekly.mon.0", "invalid_time_of_day"),
        ({"weekly": {"mon": [["9:00", "12:00"]]}}, "weekly.mon.0", "invalid_time_of_day"),
        ({"weekly": {"mon": [[540, 720]]}}, "weekly.mon.0", "invalid_time_of_day"),
        ({"weekly": {"mon": [["09:00"]]}}, "weekly.mon.0", "invalid_interval"),
        ({"weekly": {"mon": ["09:00-12:00"]}}, "weekly.mon.0", "invalid_interval"),
        ({"weekly": {"mon": [["00:00", "00:01"]] * 49}}, "weekly.mon", "too_long"),
        ({"weekly": {"monday": [["09:00", "12:00"]]}}, "weekly.monday", "extra_forbidden"),
        ({"weekly": {}}, "", "never_open"),
        ({"weekly": {}, "special_days": {"2026-10-10": []}}, "", "never_open"),
        ({"holidays": ["2026-02-30"]}, "holidays.0", "invalid_date"),
        ({"holidays": [20260101]}, "holidays.0", "invalid_date"),
        ({"holidays": ["2026-10-01T00:00:00"]}, "holidays.0", "invalid_date"),
        ({"holidays": ["0001-01-01"]}, "holidays.0", "invalid_date"),
        ({"holidays": ["2026-01-01"] * 5001}, "holidays", "too_long"),
        ({"special_days": {"10.10.2026": []}}, "special_days.10.10.2026.[key]", "invalid_date"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "unknown_time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone", "unknown_time_zone"),
        ({"time_zone": "Europe/Berlin\x00"}, "time_zone", "unknown_time_zone"),
        ({"time_zone": "\ud800"}, "time_zone", "string_unicode"),
        ({"time_zone": "Europe"}, "time_zone", "unknown_time_zone"),
        ({"hours": {}}, "hours", "extra_forbidden"),
    ],
)
def test_a_wrong_calendar_is_refused_where_it_is_wrong(fields: Any, where: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Calendar.model_validate({"time_zone": "UTC", "weekly": OFFICE, **fields})
    error = refused.value.errors()[0]
    assert (".".join(map(str, error["loc"])), error["type"]) == (where, code)


def test_a_calendar_is_written_as_it_is_read() -> None:
    given_ = {
        "name": "Office",
        "time_zone": "Asia/Shanghai",
        "weekly": {"mon": [["13:00", "24:00"], ["09:00", "12:00:30"]]},
        "holidays": ["2026-10-02", "2026-10-01", "2026-10-01"],
        "special_days": {"2026-10-10": [["09:00", "18:00"]]},
    }
    calendar = Calendar.model_validate(given_)
    written = calendar.model_dump(mode="json")
    assert written["weekly"]["mon"] == [["09:00", "12:00:30"], ["13:00", "24:00"]]
    assert written["holidays"] == ["2026-10-01", "2026-10-02"]
    assert Calendar.model_validate_json(calendar.model_dump_json()) == calendar


def test_a_changed_copy_counts_by_its_own_days() -> None:
    office, friday = make_calendar(), at("2026-11-20T00:00:00Z")
    assert working(office, friday, friday + 24 * HOUR) == 8 * HOUR
    closed = office.model_copy(update={"holidays": (date(2026, 11, 20),)})
    assert working(closed, friday, friday + 24 * HOUR) == timedelta(0)
