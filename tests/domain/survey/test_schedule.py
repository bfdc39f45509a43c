"""Rounds come one after the other at the same time of the day, and a sample is a sample."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.survey.schedule import Every, Schedule, ask_at, begins_at, is_drawn, round_due

SURVEY = UUID(int=9)
STARTED = datetime(2026, 1, 31, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
ZONES = ("UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")

starts = st.timedeltas(timedelta(0), timedelta(days=4000)).map(
    lambda after: datetime(2020, 1, 1, tzinfo=UTC) + after
)
schedules = st.builds(
    Schedule,
    every=st.sampled_from(Every),
    rounds=st.none() | st.integers(1, 50),
    time_zone=st.sampled_from(ZONES),
)


@given(schedules, starts)
def test_rounds_follow_each_other_at_the_same_time_of_the_day(schedule: Schedule, started: datetime) -> None:
    begins = [begins_at(schedule, started, number) for number in range(1, 60)]
    there = [one for one in begins if one is not None]
    assert len(there) == min(schedule.rounds or 59, 59)
    assert begins[: len(there)] == there, "after the last there is none"
    assert there[0] == started
    zone = ZoneInfo(schedule.time_zone)
    for earlier, later in pairwise(there):
        assert later > earlier
        shift = abs(
            timedelta(hours=earlier.astimezone(zone).hour, minutes=earlier.astimezone(zone).minute)
            - timedelta(hours=later.astimezone(zone).hour, minutes=later.astimezone(zone).minute)
        )
        assert shift <= timedelta(hours=1), "only where the clock leaves an hour out"


def test_a_month_without_the_day_has_its_last_and_the_next_has_it_again() -> None:
    schedule = Schedule(every=Every.MONTH, time_zone="Europe/Berlin")
    days = [
        str((begins_at(schedule, STARTED, number) or STARTED).astimezone(ZoneInfo("Europe/Berlin")))
        for number in range(1, 5)
    ]
    assert days == [
        "2026-01-31 02:30:00+01:00",
        "2026-02-28 02:30:00+01:00",
        "2026-03-31 02:30:00+02:00",
        "2026-04-30 02:30:00+02:00",
    ]
    quarter = Schedule(every=Every.QUARTER)
    assert begins_at(quarter, datetime(2026, 11, 30, tzinfo=UTC), 2) == datetime(2027, 2, 28, tzinfo=UTC)
    assert begins_at(quarter, datetime(2026, 11, 30, tzinfo=UTC), 3) == datetime(2027, 5, 30, tzinfo=UTC)


def test_a_time_that_the_clock_leaves_out_is_the_next_that_there_is() -> None:
    schedule = Schedule(every=Every.DAY, time_zone="Europe/Berlin")
    started = datetime(2026, 3, 28, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert begins_at(schedule, started, 2) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 there
    assert begins_at(schedule, started, 3) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)  # 02:30 there


@given(schedules, starts, st.integers(0, 20), st.integers(0, 4000))
def test_after_an_outage_the_latest_round_is_made_up_for(
    schedule: Schedule, started: datetime, last: int, days: int
) -> None:
    now = started + timedelta(days=days)
    found = round_due(schedule, started, last, now)
    following = begins_at(schedule, started, last + 1)
    assert (found is None) == (following is None or following > now)
    if found is not None:
        at, after = begins_at(schedule, started, found), begins_at(schedule, started, found + 1)
        assert found > last
        assert at is not None
        assert at <= now
        assert after is None or after > now


def test_a_campaign_that_is_not_repeated_has_one_round_at_its_time() -> None:
    later = STARTED + timedelta(days=3)
    for schedule, first in ((Schedule(), STARTED), (Schedule(starts_at=later), later)):
        assert begins_at(schedule, STARTED, 1) == first
        assert begins_at(schedule, STARTED, 2) is None
        assert round_due(schedule, STARTED, 0, first) == 1
        assert round_due(schedule, STARTED, 0, first - timedelta(seconds=1)) is None
        assert round_due(schedule, STARTED, 1, first + timedelta(days=999)) is None
    with pytest.raises(ValidationError):
        Schedule(rounds=2)


@given(st.uuids(), st.integers(1, 100), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_sample_holds_the_smaller_one(person: UUID, number: int, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert is_drawn(SURVEY, number, person, large) >= is_drawn(SURVEY, number, person, small)
    assert is_drawn(SURVEY, number, person, 1)
    assert not is_drawn(SURVEY, number, person, 0)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_a_sample_is_as_large_as_it_should_be_and_other_rounds_draw_others(share: float) -> None:
    random = Random(4)
    people = [UUID(int=random.getrandbits(128)) for _ in range(20_000)]
    first = {one for one in people if is_drawn(SURVEY, 1, one, share)}
    second = {one for one in people if is_drawn(SURVEY, 2, one, share)}
    error = 4 * (share * (1 - share) / len(people)) ** 0.5
    assert len(first) / len(people) == pytest.approx(share, abs=error)
    both = 4 * (share**2 * (1 - share**2) / len(people)) ** 0.5
    assert len(first & second) / len(people) == pytest.approx(share**2, abs=both)


@given(st.integers(0, 5000), st.none() | st.integers(1, 500))
def test_so_many_are_asked_each_day_and_no_more(people: int, per_day: int | None) -> None:
    times = [ask_at(STARTED, position, per_day) for position in range(people)]
    assert times == sorted(times)
    if per_day is None:
        assert set(times) <= {STARTED}
    else:
        assert all(times.count(one) <= per_day for one in set(times))
        if people:
            assert times[-1] - STARTED == timedelta(days=(people - 1) // per_day)
