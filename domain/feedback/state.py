"""The one state object of a feedback process: everything it must remember, and nothing that only people read."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.feedback.fields import USUAL_IMPORTANCE, Assessment, Kind, Status, Verdict
from domain.repetition import Seen
from domain.sla.clock import Clock
from domain.sla.policy import ClockName, PolicyVersion
from domain.ticket.fields import Priority


class Opinion(BaseModel):
    """One of the assessments: who has to give it, and what they said."""

    model_config = ConfigDict(frozen=True)

    owner_id: UUID | None = None
    verdict: Verdict | None = None
    result: str | None = None
    at: datetime | None = None


class FeedbackState(BaseModel):
    """`event_number` is the item's version: it grows by one with each commit.

    `round` counts how often people were asked whether it is solved; `first_round` is the first since it was shipped
    last. `before_merge` is the state that taking it out of a merge leads back to, `merges` the version of each item
    that was merged into this one, or taken out again, when it was so last. `checks` are the instants at which they
    will be asked again. `answered_at` is when a human last answered.
    """

    model_config = ConfigDict(frozen=True)

    id: UUID
    number: int = 0
    event_number: int = 0
    fingerprint: str = ""
    status: Status = Status.SUBMITTED
    kind: Kind = Kind.SUGGESTION
    priority: Priority = Priority.LOW
    importance: int = USUAL_IMPORTANCE
    category: str | None = None
    public: bool = False
    requester_id: UUID | None = None
    owner_id: UUID | None = None
    assessments: dict[Assessment, Opinion] = {}
    created_at: datetime
    answered_at: datetime | None = None
    decided_at: datetime | None = None
    shipped_at: datetime | None = None
    verified_at: datetime | None = None
    closed_at: datetime | None = None
    reopen_count: int = 0
    merged_into: UUID | None = None
    before_merge: Status | None = None
    merged_from: tuple[UUID, ...] = ()
    merges: dict[UUID, int] = {}
    release_id: UUID | None = None
    round: int = 0
    first_round: int = 0
    asking: Literal["shipped", "check"] | None = None
    checks: tuple[datetime, ...] = ()
    close_at: datetime | None = None
    finish_at: datetime | None = None
    policy: PolicyVersion | None = None
    clocks: dict[ClockName, Clock] = {}
    cycles: dict[ClockName, int] = {}
    seen: tuple[Seen, ...] = ()
    runs: int = 0

    @property
    def breached(self) -> bool:
        """Whether a promise that still runs is broken; silence is none."""
        promises = (clock for name, clock in self.clocks.items() if name is not ClockName.SILENCE)
        return any(clock.breached_at is not None for clock in promises)
