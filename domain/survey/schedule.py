"""When the rounds of a campaign begin, and who of its audience is drawn.

A round begins at the same time of the day as the first, by the clock on the wall of the campaign's time zone. A day
that a month does not have is its last; the next month has it again.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from domain.account import Value
from domain.text import TimeZone

ROUNDS_MAX: Final = 1000
EARLIEST: Final = 2000
LATEST: Final = 9000
"""Years. Rounds are counted from the first on, and the last of them has to lie within what a date can be."""

_MONTHS: Final = {"month": 1, "quarter": 3}
_DAYS: Final = {"day": 1, "week": 7}


class Every(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


class Schedule(Value):
    """`starts_at` is when the first round begins, when the campaign is started if left out. `every` repeats it,
    `rounds` times at most."""

    model_config = ConfigDict(extra="forbid")

    starts_at: AwareDatetime | None = None
    every: Every | None = None
    rounds: Annotated[int, Field(ge=1, le=ROUNDS_MAX)] | None = None
    time_zone: TimeZone = "UTC"

    @field_validator("starts_at")
    @classmethod
    def _in_reach(cls, value: datetime | None) -> datetime | None:
        if value is not None and not EARLIEST <= value.year < LATEST:
            raise PydanticCustomError("out_of_reach", "A campaign begins in 2000 or later.")
        return value

    @model_validator(mode="after")
    def _repeats(self) -> Self:
        if self.every is None and self.rounds not in (None, 1):
            raise PydanticCustomError("rounds", "A campaign that is not repeated has one round.")
        return self

    @property
    def last(self) -> int | None:
        """The number of the last round; None if it goes on until it is ended."""
        return 1 if self.every is None else self.rounds


def begins_at(schedule: Schedule, started_at: datetime, number: int) -> datetime | None:
    """When round `number`, from 1 on, of a campaign begins that was started then; None if there is none."""
    if schedule.last is not None and number > schedule.last:
        return None
    first = schedule.starts_at or started_at
    if schedule.every is None or number == 1:
        return first
    zone = ZoneInfo(schedule.time_zone)
    local = first.astimezone(zone)
    day = _later(local.date(), schedule.every, number - 1)
    # By way of UTC, so that an hour that the clock leaves out becomes the next one that there is.
    return datetime.combine(day, local.time(), zone).astimezone(ZoneInfo("UTC"))


def round_due(schedule: Schedule, started_at: datetime, last: int, now: datetime) -> int | None:
    """The round after `last` that should have begun by now. Of several that an outage held up, it is the latest: nobody
    is asked twice in a row for the sake of a number."""
    found, number = None, last + 1
    while (at := begins_at(schedule, started_at, number)) is not None and at <= now:
        found, number = number, number + 1
    return found


def is_drawn(survey_id: UUID, number: int, person_id: UUID, share: float) -> bool:
    """Whether a person belongs to the sample of a round: by a number that follows from the three ids, so whoever asks
    again draws the same; another round draws others, a larger share the same people and more."""
    digest = sha256(f"{survey_id}\n{number}\n{person_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def ask_at(begun_at: datetime, position: int, per_day: int | None) -> datetime:
    """When the person at `position`, from 0 on, is asked: `per_day` of them each day, all at once without."""
    return begun_at if per_day is None else begun_at + timedelta(days=position // per_day)


def _later(day: date, every: Every, times: int) -> date:
    if every in _DAYS:
        return day + timedelta(days=_DAYS[every] * times)
    months = day.year * 12 + day.month - 1 + _MONTHS[every] * times
    first = date(months // 12, months % 12 + 1, 1)
    return first.replace(day=min(day.day, _length(first)))


def _length(first: date) -> int:
    following = (first + timedelta(days=31)).replace(day=1)
    return (following - first).days
