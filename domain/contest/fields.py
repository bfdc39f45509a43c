"""What a contest is made of: its states, its timetable, who may enter, what is judged, and what can be won.

`ContestRules` refuses what makes no sense by itself. What also depends on the present time is checked by
`check_timetable`, and what depends on the judges by `domain/contest/process.py`.
"""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from domain.account import Role, Value
from domain.duration import PositiveDuration
from domain.errors import Invalid
from domain.text import Name, TimeZone, Word

GRACE: Final = timedelta(seconds=5)
"""How long after the bell an entry that arrived before it may still be committed."""

APPEALS: Final = timedelta(hours=72)
"""How long a provisional standing can be appealed."""

WARNING: Final = timedelta(hours=24)
"""How long before their deadline judges are warned; a quarter of the time they have, where that is shorter."""

FAR: Final = timedelta(days=5 * 366)
"""How far ahead the last deadline of a contest may be."""

TAKEOVER_MAX: Final = timedelta(days=90)
TEXT_MAX: Final = 20_000
LINKS_MAX: Final = 10
CRITERIA_MAX: Final = 20
JUDGES_MAX: Final = 100
PRIZES_MAX: Final = 50
ENTRIES_MAX: Final = 10_000
HIGHEST_SCORE: Final = 10
_YEARS: Final = range(2000, 2200)


class Status(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    JUDGING = "judging"
    PROVISIONAL = "provisional"
    FINAL = "final"
    AWARDED = "awarded"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({Status.AWARDED, Status.CANCELLED})


class AssignmentState(StrEnum):
    """`pending`: to be scored. `missed`: not in time. `recused`: a conflict was declared. `released`: the judge was
    dismissed, or the judging ended without this score."""

    PENDING = "pending"
    SCORED = "scored"
    MISSED = "missed"
    RECUSED = "recused"
    RELEASED = "released"


class AppealState(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


def storable(value: datetime) -> datetime:
    if value.year not in _YEARS:
        raise PydanticCustomError("out_of_range", "The year must be between 2000 and 2199.")
    return value.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(storable)]
"""An instant, in UTC, that can be reckoned with."""

Score = Annotated[int, Field(ge=0, le=HIGHEST_SCORE)]


class Criterion(Value):
    """What judges give 0 to 10 for; `weight` is its part of the total."""

    key: Word
    name: Name
    weight: Annotated[int, Field(ge=1, le=100)] = 1


class Eligibility(Value):
    """Who may enter: people with one of the roles, of one of the organizations, who were known by then. What is
    empty asks for nothing."""

    roles: Annotated[tuple[Role, ...], Field(max_length=len(Role))] = ()
    organizations: Annotated[tuple[UUID, ...], Field(max_length=100)] = ()
    registered_before: Moment | None = None


class ContestPrize(Value):
    """What the entry of a rank wins."""

    rank: Annotated[int, Field(ge=1, le=1000)]
    name: Name
    points: Annotated[int, Field(ge=0, le=100_000)] = 0


def _not_endless(value: timedelta) -> timedelta:
    if value > TAKEOVER_MAX:
        raise PydanticCustomError("too_long", "Whoever takes over has 90 days at most.")
    return value


Takeover = Annotated[PositiveDuration, AfterValidator(_not_endless)]
Entries = Annotated[int, Field(ge=1, le=1000)]
"""How many entries one person may have."""

TextLimit = Annotated[int, Field(ge=1, le=TEXT_MAX)]
Criteria = Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=CRITERIA_MAX)]
JudgesPerEntry = Annotated[int, Field(ge=1, le=9)]
Prizes = Annotated[tuple[ContestPrize, ...], Field(max_length=PRIZES_MAX)]


class ContestRules(Value):
    """`per_day` counts entries of a day in the contest's time zone, withdrawn ones too; `per_person` those that stand.
    Each entry is scored by `judges_per_entry` judges until `judging_until`; whoever takes over for another
    judge has `takeover` at least."""

    time_zone: TimeZone = "UTC"
    opens_at: Moment
    closes_at: Moment
    judging_until: Moment
    takeover: Takeover = timedelta(hours=48)
    per_day: Entries | None = None
    per_person: Entries = 1
    text_max: TextLimit = TEXT_MAX
    eligibility: Eligibility = Eligibility()
    criteria: Criteria
    judges_per_entry: JudgesPerEntry = 3
    prizes: Prizes = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.closes_at <= self.opens_at:
            raise PydanticCustomError("ends_before_it_starts", "A contest closes after it has opened.")
        if self.judging_until <= self.closes_at + GRACE:
            raise PydanticCustomError("judging_too_short", "The judging ends after the contest has closed.")
        if len({one.key for one in self.criteria}) < len(self.criteria):
            raise PydanticCustomError("repeated", "Two criteria have the same key.")
        if len({one.rank for one in self.prizes}) < len(self.prizes):
            raise PydanticCustomError("repeated", "Two prizes are for the same rank.")
        return self

    def day(self, at: datetime) -> date:
        """The day of the contest's calendar that limits count by."""
        return at.astimezone(ZoneInfo(self.time_zone)).date()


def check_timetable(rules: ContestRules, now: datetime) -> None:
    """Raises Invalid for a contest that is over before it begins, or that nobody will live to see."""
    if rules.closes_at <= now:
        raise Invalid("closes_in_the_past", "The contest would have closed already.", field="closes_at")
    if rules.judging_until > now + FAR:
        raise Invalid("too_far_ahead", "A contest ends within five years.", field="judging_until")
