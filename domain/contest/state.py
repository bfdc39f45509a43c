"""The one state object of a contest's process: everything that it must remember, and nothing that only people read.

Entries, assignments, scores and appeals are rows of the database, however many there are. Here stand the deadlines,
the counts that decide what comes next, and how far each piece of work that goes page by page has come.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.contest.fields import ENDED, ContestRules, Status
from domain.notification.kind import Kind
from domain.repetition import Seen


class Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Due(Part):
    """When judges have to be ready; `warn_at` is None when they were warned."""

    at: datetime
    warn_at: datetime | None


class Fill(Part):
    """A walk through all entries that lack judges, the next after `after`. Whoever gets one has time until `due_at`."""

    due_at: datetime
    after: UUID | None = None
    judges: tuple[UUID, ...] = ()


class Telling(Part):
    """All participants are told of the event with this number; those up to `after` were."""

    kind: Kind
    event_number: int
    params: dict[str, Any] = {}
    after: UUID | None = None


class ContestState(Part):
    """`event_number` is the contest's version: it grows by one with each commit.

    `judges` are those who can be given entries. `short` counts the entries for which nobody is left. `restanding`: the
    standing has to be reckoned again. `reversing`: the points of participation are taken back; those of people up
    to `reversed_to` were.
    """

    id: UUID
    event_number: int = 0
    fingerprint: str = ""
    status: Status = Status.DRAFT
    rules: ContestRules
    judges: tuple[UUID, ...] = ()
    entries: int = 0
    participants: int = 0
    created_at: datetime
    closed_at: datetime | None = None
    assign_at: datetime | None = None
    fill: Fill | None = None
    dues: tuple[Due, ...] = ()
    short: int = 0
    restanding: bool = False
    appeals_until: datetime | None = None
    appeals_reminded: bool = False
    open_appeals: int = 0
    tellings: tuple[Telling, ...] = ()
    reversing: bool = False
    reversed_to: UUID | None = None
    seen: tuple[Seen, ...] = ()
    runs: int = 0

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def assigned(self) -> bool:
        """Whether the judges have got their entries, or are just getting them."""
        return self.status is Status.JUDGING and self.assign_at is None
