"""The messages that a contest's process takes and gives. They cross processes: changes are only ever additive."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.contest.fields import ContestRules
from domain.contest.moves import Action
from domain.contest.state import ContestState
from domain.notification.notice import Notice
from domain.ticket.messages import Event


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class CreateContest(Message):
    """Everything a new contest starts with; `fingerprint` tells two bodies under one key apart."""

    contest_id: UUID
    fingerprint: str
    name: str
    description: str
    rules: ContestRules
    judges: list[UUID] = []
    created_by: UUID


class Edit(Message):
    """New contents of a draft; what is None stays as it is."""

    name: str | None = None
    description: str | None = None
    rules: ContestRules | None = None


class Act(Message):
    """One action of one actor. `request_id` makes it happen once; `expected_version` makes it conditional.

    Only the fields that the action takes are set; `api/contest` checks the shape of each. `record_id` is that of what
    the action makes: an entry, an appeal. `arrived_at` is when the request of an entry reached the API.
    """

    action: Action
    actor_id: UUID
    request_id: str
    fingerprint: str = ""
    expected_version: int | None = None
    record_id: UUID | None = None
    arrived_at: datetime | None = None
    entry_id: UUID | None = None
    person_id: UUID | None = None
    people: list[UUID] = []
    text: str | None = None
    links: list[str] = []
    scores: dict[str, int] = {}
    edit: Edit | None = None
    by: timedelta | None = None
    upheld: bool | None = None
    adjustment: int = 0


class NewEntry(Message):
    id: UUID
    person_id: UUID
    text: str
    links: list[str] = []
    arrived_at: datetime


class NewScore(Message):
    entry_id: UUID
    judge_id: UUID
    scores: dict[str, int]
    comment: str | None = None


class DeclaredConflict(Message):
    """`judge_id` shall not judge what `person_id` entered."""

    judge_id: UUID
    person_id: UUID
    reason: str | None = None


class NewAppeal(Message):
    id: UUID
    entry_id: UUID
    person_id: UUID
    reason: str


class Decision(Message):
    """`adjustment` is added to the entry's total, in hundredths."""

    appeal_id: UUID
    upheld: bool
    answer: str
    adjustment: int = 0


class Filled(Message):
    """A page of entries got their judges. `after` is None when it was the last; then `pending` and `short` count what
    is still to be scored, and the entries for which nobody is left."""

    after: UUID | None
    judges: list[UUID] = []
    pending: int = 0
    short: int = 0


class Facts(Message):
    """What only the database knows, or what was done in the transaction that a change had to wait for.

    `entered`: who enters has no entry that stands yet. `late`: judges who are to be warned; `missed`: those
    who were not ready. `pending`: scores that are still to come. `after`: how far a page came, None at the end.
    `winners`: who gets prizes; `appellant`: whose appeal was decided.
    """

    first: bool = False
    filled: Filled | None = None
    late: list[UUID] = []
    missed: list[UUID] = []
    pending: int | None = None
    after: UUID | None = None
    winners: list[UUID] = []
    appellant: UUID | None = None


class Outcome(Message):
    """What became of a commit: the facts that it found, or, where the database was ahead of the process, the state
    that holds now. The process then takes that state and decides again."""

    facts: Facts | None = None
    state: ContestState | None = None


Want = Literal[
    "entrant",
    "entry",
    "assignment",
    "late",
    "missed",
    "fill",
    "standing",
    "appeal",
    "decision",
    "winners",
    "audience",
    "points",
    "state",
]


class Change(Message):
    """What one commit writes, all of it in one transaction, guarded by the event number in `state`.

    `wants` names what the transaction must find or do first; the facts are then applied to `state` by the same
    pure function in the activity and in the workflow. `empty` says that nothing changes. `due_at` names the deadline
    whose judges are to be warned, or were not ready; `by` moves those of all judges.
    """

    state: ContestState
    at: datetime
    actor_id: UUID | None = None
    empty: bool = False
    created: CreateContest | None = None
    events: list[Event] = []
    notices: list[Notice] = []
    edit: Edit | None = None
    appoint: list[UUID] = []
    dismiss: UUID | None = None
    conflict: DeclaredConflict | None = None
    entry: NewEntry | None = None
    withdraw: UUID | None = None
    score: NewScore | None = None
    appeal: NewAppeal | None = None
    decision: Decision | None = None
    by: timedelta | None = None
    due_at: datetime | None = None
    wants: list[Want] = []

    @property
    def contest_id(self) -> UUID:
        return self.state.id


class News(Message):
    """A fact from outside: Temporal's store was restored, so the database may know more than the process does."""

    cause: Literal["restored"]


class ContestInput(Message):
    """What a contest's process starts with: a contest to create, or the state of the run before."""

    contest_id: UUID
    create: CreateContest | None = None
    state: ContestState | None = None
    news: list[News] = []
    history_limit: Annotated[int, Field(ge=10)] | None = None
    """Continue as new after so many events; None leaves it to the server's suggestion."""
