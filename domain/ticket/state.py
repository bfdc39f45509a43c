"""The one state object of a ticket process: everything it must remember, and nothing that only people read."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.repetition import Seen
from domain.sla.clock import Clock
from domain.sla.policy import ClockName, PolicyVersion
from domain.ticket.fields import ACTIVE, Kind, Priority, Status


class TicketState(BaseModel):
    """`event_number` is the ticket's version: it grows by one with each commit.

    `cycles` counts the cycles that each clock has begun; `ended` is the resolution clock of the last cycle.
    `merges` holds the version of each ticket that was merged into this one, or taken out again, when it was so last.
    `auto_close_at` and `finish_at` are the two deadlines that are not promises: when a resolved ticket closes,
    and when a closed one can no longer be reopened.
    """

    model_config = ConfigDict(frozen=True)

    id: UUID
    number: int = 0
    event_number: int = 0
    fingerprint: str = ""
    status: Status = Status.OPEN
    priority: Priority
    category: str | None = None
    kind: Kind | None = None
    tier: int = 1
    requester_id: UUID | None = None
    organization_id: UUID | None = None
    team_id: UUID | None = None
    assignee_id: UUID | None = None
    assignee_tier: int | None = None
    accepted: bool = False
    waiting_reason: str | None = None
    created_at: datetime
    first_responded_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    reopen_count: int = 0
    merged_into: UUID | None = None
    merged_from: tuple[UUID, ...] = ()
    merges: dict[UUID, int] = {}
    auto_close_at: datetime | None = None
    finish_at: datetime | None = None
    policy: PolicyVersion | None = None
    clocks: dict[ClockName, Clock] = {}
    cycles: dict[ClockName, int] = {}
    ended: Clock | None = None
    seen: tuple[Seen, ...] = ()
    runs: int = 0

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def breached(self) -> bool:
        """Whether a promise that still runs is broken."""
        return any(clock.breached_at is not None for clock in self.clocks.values())

    @property
    def wants_assignee(self) -> bool:
        """Nobody has it, or it was raised above its assignee's tier."""
        return self.active and (self.assignee_id is None or (self.assignee_tier or 1) < self.tier)
