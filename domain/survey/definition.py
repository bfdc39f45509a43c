"""What a survey is: what it asks, when, how often it reminds, when it closes, and whom it lets rest.

The one after resolutions is there from the beginning, with what stands here; a desk changes it, or pauses it. What
becomes of one invitation is decided by `domain/survey/invitation.py`.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from domain.account import Value
from domain.duration import Duration, PositiveDuration
from domain.survey.questions import SCALES, Kind, Questions, check_questions
from domain.text import Name

AFTER_RESOLUTION: Final = UUID("5f1c0d3e-8a44-5c1b-9a57-2d0c6b7e1f01")
"""The survey that follows each resolution of a ticket."""

OPEN_MAX: Final = timedelta(days=90)
"""The longest that a link can be answered, and the longest wait before somebody is asked."""

TASK_MAX: Final = timedelta(hours=240)
"""The longest working time to call back."""


class Occasion(StrEnum):
    """What makes somebody be asked."""

    RESOLUTION = "resolution"


class State(StrEnum):
    """A paused survey asks and reminds nobody; whoever was asked may still answer."""

    ACTIVE = "active"
    PAUSED = "paused"


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


class Contents(Timing):
    """`low_score`: a score up to it asks somebody to call back, `task_within` so much working time of the ticket's
    calendar; None asks nobody."""

    name: Name
    kind: Kind = Kind.CSAT
    questions: Questions = ()
    low_score: Annotated[int, Field(ge=0, le=10)] | None = None
    task_within: PositiveDuration = timedelta(hours=8)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_questions(self.kind, self.questions)
        if self.task_within > TASK_MAX:
            raise PydanticCustomError("too_long", "Calling back takes 240 hours of working time at most.")
        scale = SCALES.get(self.kind)
        if self.low_score is not None and (scale is None or self.low_score not in scale):
            raise PydanticCustomError("off_scale", "The low score is one of the scale.")
        return self


DEFAULT: Final = Contents(name="After a resolution", kind=Kind.CSAT, low_score=2)
"""The survey after resolutions as a desk begins with it."""


class Survey(Contents):
    """A survey as it is shown; `next_at` is when it does something next by itself."""

    id: UUID
    occasion: Occasion
    state: State
    version: int
    next_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime
