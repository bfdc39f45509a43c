"""What a survey is: what it asks, when, how often it reminds, when it closes, and whom it lets rest.

The one after resolutions is there from the beginning, with what stands here; a desk changes it, or pauses it. What
becomes of one invitation is decided by `domain/survey/invitation.py`.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from domain.account import Role, Value
from domain.duration import Duration, PositiveDuration
from domain.errors import Conflict
from domain.survey.questions import SCALES, Kind, Questions, check_questions
from domain.survey.schedule import Schedule
from domain.text import LOCALES, Locale, Name

AFTER_RESOLUTION: Final = UUID("5f1c0d3e-8a44-5c1b-9a57-2d0c6b7e1f01")
"""The survey that follows each resolution of a ticket."""

OPEN_MAX: Final = timedelta(days=90)
"""The longest that a link can be answered, and the longest wait before somebody is asked."""

LIST_MAX: Final = 500
"""People, or organizations, that an audience names."""

TASK_MAX: Final = timedelta(hours=240)
"""The longest working time to call back."""


REST: Final = timedelta(days=30)
"""How long a campaign lets people rest, if nothing else is said: one survey a month."""


class Occasion(StrEnum):
    """What makes somebody be asked: a ticket was resolved, or a campaign has a round."""

    RESOLUTION = "resolution"
    CAMPAIGN = "campaign"


class State(StrEnum):
    """A campaign begins as a draft. A paused survey asks and reminds nobody, and one that is ended never will again;
    whoever was asked may still answer."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


MOVES: Final[Mapping[Occasion, Mapping[State, tuple[State, ...]]]] = {
    Occasion.RESOLUTION: {State.ACTIVE: (State.PAUSED,), State.PAUSED: (State.ACTIVE,)},
    Occasion.CAMPAIGN: {
        State.DRAFT: (State.ACTIVE,),
        State.ACTIVE: (State.PAUSED, State.ENDED),
        State.PAUSED: (State.ACTIVE, State.ENDED),
        State.ENDED: (),
    },
}
"""Which state may follow which. A campaign ends by itself after its last round."""


def check_move(occasion: Occasion, before: State, after: State) -> None:
    """Raises Conflict `illegal_move`, naming what is allowed."""
    allowed = MOVES[occasion].get(before, ())
    if after is not before and after not in allowed:
        choice = ", ".join(allowed) or "nothing"
        raise Conflict(
            "illegal_move",
            f"A survey that is {before} cannot become {after}. Allowed now: {choice}.",
            state=before,
            action=after,
            allowed=list(allowed),
        )


def no_campaign() -> Conflict:
    return Conflict("no_campaign", "This survey has no audience: it follows each resolution.")


class Timing(Value):
    """`delay` passes before somebody is asked, one reminder comes `remind_after` that, and the link ends
    `close_after`; `rest` is how long nobody may have been asked anything before this survey asks them."""

    delay: Duration = timedelta(hours=1)
    remind_after: PositiveDuration | None = timedelta(hours=48)
    close_after: PositiveDuration = timedelta(days=7)
    rest: PositiveDuration | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if max(self.close_after, self.delay) > OPEN_MAX:
            raise PydanticCustomError("too_long", "The delay, and the time to answer, are 90 days at most.")
        if self.remind_after is not None and self.remind_after >= self.close_after:
            raise PydanticCustomError("reminder_too_late", "The reminder must come before the survey closes.")
        return self


class Audience(Value):
    """Whom a campaign is for: active people with one of the `roles`, who fulfil all that is said beside it.
    `ticket_within` are those who opened a ticket so long ago at most, counted when a round begins."""

    model_config = ConfigDict(extra="forbid")

    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=len(Role))] = (Role.REQUESTER,)
    organizations: Annotated[tuple[UUID, ...], Field(max_length=LIST_MAX)] = ()
    locales: Annotated[tuple[Locale, ...], Field(max_length=len(LOCALES))] = ()
    people: Annotated[tuple[UUID, ...], Field(max_length=LIST_MAX)] = ()
    ticket_within: PositiveDuration | None = None


class Contents(Timing):
    """`low_score`: a score up to it asks somebody to call back, `task_within` so much working time of the ticket's
    calendar; None asks nobody.

    A campaign has an `audience` and a `schedule`. Each round draws the share `sample` of the audience, asks `per_day`
    of them a day, and nobody else once `quota` have answered.
    """

    name: Name
    kind: Kind = Kind.CSAT
    questions: Questions = ()
    low_score: Annotated[int, Field(ge=0, le=10)] | None = None
    task_within: PositiveDuration = timedelta(hours=8)
    audience: Audience | None = None
    schedule: Schedule | None = None
    sample: Annotated[float, Field(gt=0, le=1)] = 1.0
    quota: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    per_day: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_questions(self.kind, self.questions)
        if self.task_within > TASK_MAX:
            raise PydanticCustomError("too_long", "Calling back takes 240 hours of working time at most.")
        scale = SCALES.get(self.kind)
        if self.low_score is not None and (scale is None or self.low_score not in scale):
            raise PydanticCustomError("off_scale", "The low score is one of the scale.")
        campaign = self.audience is not None
        if campaign != (self.schedule is not None):
            raise PydanticCustomError("campaign", "A campaign has an audience and a schedule.")
        if campaign and (self.low_score is not None or self.delay):
            raise PydanticCustomError("campaign", "A campaign has no tickets: no delay, and no tasks.")
        if not campaign and (self.quota, self.per_day, self.sample) != (None, None, 1):
            raise PydanticCustomError(
                "campaign", "Only a campaign has a sample, a quota, and a number each day."
            )
        return self


DEFAULT: Final = Contents(name="After a resolution", kind=Kind.CSAT, low_score=2)
"""The survey after resolutions as a desk begins with it."""


class Survey(Contents):
    """A survey as it is shown; `next_at` is when it does something next by itself. `round` counts the rounds of a
    campaign that have begun, `round_at` is when the last one did."""

    id: UUID
    occasion: Occasion
    state: State
    round: int
    round_at: AwareDatetime | None
    started_at: AwareDatetime | None
    version: int
    next_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
