"""What always holds of working time, whatever the calendar, the zone and the day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from domain.calendar import Calendar, add_working, is_open, next_opening, working
from tests.domain.test_calendar import DAYS, every_day, make_calendar

ZONES = (
    "UTC",
    "Asia/Shanghai",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",  # used to change the clock at one minute past midnight
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Antarctica/Troll",
)
ODD_DAYS = (
    "2026-03-29",
    "2026-10-25",
    "2026-03-08",
    "2026-11-01",
    "2026-04-05",
    "2026-10-04",
    "2018-11-04",
    "2018-02-18",
    "2011-12-30",
    "1993-08-21",
    "1990-10-28",
    "2024-04-26",
    "2040-10-20",
)
UNIT = timedelta(minutes=15)


@st.composite
def hours(draw: st.DrawFn) -> list[list[str]]:
    edges = sorted(draw(st.sets(st.integers(0, 96), max_size=6)))
    text = [f"{edge // 4:02d}:{edge % 4 * 15:02d}" for edge in edges]
    return [[opens, closes] for opens, closes in zip(text[::2], text[1::2], strict=False)]


@st.composite
def odd_days(draw: st.DrawFn) -> str:
    day = date.fromisoformat(draw(st.sampled_from(ODD_DAYS)))
    return str(day + timedelta(days=draw(st.integers(-3, 3))))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    weekly = {day: draw(hours()) for day in DAYS}
    assume(any(weekly.values()))
    return make_calendar(
        draw(st.sampled_from(ZONES)),
        weekly,
        holidays=draw(st.lists(odd_days(), max_size=3)),
        special_days=draw(st.dictionaries(odd_days(), hours(), max_size=3)),
    )


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    day = datetime.fromisoformat(draw(st.sampled_from(ODD_DAYS))).replace(tzinfo=UTC)
    seconds = draw(
        st.one_of(st.integers(-300, 300).map(lambda quarter: quarter * 900), st.integers(-400_000, 400_000))
    )
    return day + timedelta(seconds=seconds, microseconds=draw(st.sampled_from((0, 0, 0, 1, 999_999))))


AMOUNTS = st.one_of(
    st.integers(0, 4000).map(lambda quarters: quarters * UNIT),
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=60)),
)


@given(calendars(), instants(), AMOUNTS, AMOUNTS)
def test_working_time_adds_up(
    calendar: Calendar, start: datetime, first: timedelta, second: timedelta
) -> None:
    middle, end = start + first, start + first + second
    parts = working(calendar, start, middle) + working(calendar, middle, end)
    assert parts == working(calendar, start, end)


@given(calendars(), instants(), AMOUNTS)
def test_what_was_added_was_worked(calendar: Calendar, start: datetime, amount: timedelta) -> None:
    due = add_working(calendar, start, amount)
    assert working(calendar, start, due) == amount
    if amount:
        # Not a moment earlier would do: the due time is in working time or at its end.
        moment = timedelta(microseconds=1)
        assert is_open(calendar, due - moment)
        assert working(calendar, start, due - moment) == amount - moment


@given(calendars(), instants(), AMOUNTS, AMOUNTS)
def test_more_work_and_a_later_start_are_never_due_earlier(
    calendar: Calendar, start: datetime, amount: timedelta, more: timedelta
) -> None:
    due = add_working(calendar, start, amount)
    assert add_working(calendar, start, amount + more) >= due
    assert add_working(calendar, start + more, amount) >= due


@given(calendars(), instants(), AMOUNTS)
def test_working_time_is_never_longer_than_time(calendar: Calendar, start: datetime, span: timedelta) -> None:
    assert timedelta(0) <= working(calendar, start, start + span) <= span


@given(st.sampled_from(ZONES), instants(), AMOUNTS)
def test_around_the_clock_is_real_time(time_zone: str, start: datetime, span: timedelta) -> None:
    odd_day = str(start.date() + timedelta(days=40))
    # The same once more with a special day that changes nothing: counted piece by piece.
    changes: tuple[dict[str, Any], ...] = ({}, {odd_day: []})
    for special_days in changes:
        always = every_day(("00:00", "24:00"))
        calendar = make_calendar(time_zone, always, special_days=special_days)
        span = min(span, timedelta(days=30))
        assert working(calendar, start, start + span) == span
        assert add_working(calendar, start, span) == start + span


@given(calendars(), instants(), st.integers(1, 400))
def test_working_time_is_what_the_clock_on_the_wall_says(
    calendar: Calendar, start: datetime, quarters: int
) -> None:
    """Asks the wall clock every quarter of an hour, to which all hours and changes of these zones keep, or
    every minute where they do not."""
    step = timedelta(minutes=1) if calendar.time_zone == "America/St_Johns" else UNIT
    start = datetime.fromtimestamp(start.timestamp() // 900 * 900, UTC)
    zone, weekly = ZoneInfo(calendar.time_zone), calendar.weekly.days()
    total, now, end = timedelta(0), start, start + quarters * UNIT
    while now < end:
        wall = now.astimezone(zone)
        usual = () if wall.date() in calendar.holidays else weekly[wall.weekday()]
        today = calendar.special_days.get(wall.date(), usual)
        seconds = wall.hour * 3600 + wall.minute * 60
        total += step * any(one.opens <= seconds < one.closes for one in today)
        now += step
    assert working(calendar, start, end) == total


@given(calendars(), instants())
def test_the_next_opening_is_open_and_nothing_before_it(calendar: Calendar, start: datetime) -> None:
    opening = next_opening(calendar, start)
    assert is_open(calendar, opening)
    assert working(calendar, start, opening) == timedelta(0)
    assert (opening == start) == is_open(calendar, start)
