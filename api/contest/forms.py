"""Bodies of the requests about contests."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, AnyHttpUrl, Field
from pydantic_core import PydanticCustomError

from api.forms import Form, Instant, absent
from domain.contest.fields import (
    CRITERIA_MAX,
    JUDGES_MAX,
    LINKS_MAX,
    TEXT_MAX,
    ContestRules,
    Criteria,
    Eligibility,
    Entries,
    JudgesPerEntry,
    Prizes,
    Score,
    Takeover,
    TextLimit,
    storable,
)
from domain.duration import Duration
from domain.text import Body, Line, Name, TimeZone, Word

_LINK_LENGTH: Final = 2000

Moment = Annotated[Instant, AfterValidator(storable)]


def _web(value: str) -> str:
    try:
        AnyHttpUrl(value)
    except ValueError:
        raise PydanticCustomError("invalid_link", "A link begins with http:// or https://.") from None
    return value


Link = Annotated[Line, Field(max_length=_LINK_LENGTH), AfterValidator(_web)]
Text = Annotated[Body, Field(max_length=TEXT_MAX)]
People = Annotated[list[UUID], Field(min_length=1, max_length=JUDGES_MAX)]


class NewContest(Form):
    """A draft. Times have an offset; limits per day count days of `time_zone`."""

    name: Name
    description: Body
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
    judges: Annotated[list[UUID], Field(max_length=JUDGES_MAX)] = []

    def rules(self) -> ContestRules:
        return ContestRules.model_validate(self.model_dump(include=set(ContestRules.model_fields)))


class ContestChanges(Form):
    """Only the fields that are sent change."""

    name: Name = Field(default_factory=absent)
    description: Body = Field(default_factory=absent)
    time_zone: TimeZone = Field(default_factory=absent)
    opens_at: Moment = Field(default_factory=absent)
    closes_at: Moment = Field(default_factory=absent)
    judging_until: Moment = Field(default_factory=absent)
    takeover: Takeover = Field(default_factory=absent)
    per_day: Entries | None = Field(default_factory=absent)
    per_person: Entries = Field(default_factory=absent)
    text_max: TextLimit = Field(default_factory=absent)
    eligibility: Eligibility = Field(default_factory=absent)
    criteria: Criteria = Field(default_factory=absent)
    judges_per_entry: JudgesPerEntry = Field(default_factory=absent)
    prizes: Prizes = Field(default_factory=absent)


class Nothing(Form):
    """This action takes nothing."""


class Extend(Form):
    """By how long everything that is still to come comes later."""

    by: Duration
    reason: Line | None = None


class Reason(Form):
    reason: Line


class Appoint(Form):
    people: People


class Dismiss(Form):
    person: UUID
    reason: Line | None = None


class Recuse(Form):
    """A judge who has to do with `person`, or with whoever made `entry`; `judge` is the caller if left out."""

    judge: UUID | None = None
    person: UUID | None = None
    entry: UUID | None = None
    reason: Line | None = None


class NewEntry(Form):
    text: Text
    links: Annotated[list[Link], Field(max_length=LINKS_MAX)] = []


class NewScore(Form):
    """0 to 10 for each criterion, by its key."""

    scores: Annotated[dict[Word, Score], Field(min_length=1, max_length=CRITERIA_MAX)]
    comment: Line | None = None


class NewAppeal(Form):
    reason: Text


class Decide(Form):
    """`adjustment`, in hundredths of a point, is added to the entry's total when the appeal is upheld."""

    upheld: bool
    answer: Text
    adjustment: Annotated[int, Field(ge=-1000, le=1000)] = 0
