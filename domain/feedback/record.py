"""Feedback as the desk shows it: the read model's row with the names that people know."""

from uuid import UUID

from pydantic import AwareDatetime

from domain.account import Ref, Value
from domain.feedback.fields import Assessment, Kind, Role, Source, Status, Verdict
from domain.notification.kind import Kind as NoticeKind
from domain.ticket.fields import Priority, Visibility
from domain.ticket.record import PersonRef


class AssessmentRecord(Value):
    assessment: Assessment
    owner: Ref | None
    due_at: AwareDatetime | None
    verdict: Verdict | None
    result: str | None
    at: AwareDatetime | None


class Feedback(Value):
    """`reach` counts who follows it, `score` is `reach` times `importance`, and the priority follows from it.
    `guessed` names the fields that nobody gave and no human has confirmed. `voted` is the caller's."""

    id: UUID
    number: int
    title: str
    body: str
    status: Status
    kind: Kind
    source: Source
    priority: Priority
    importance: int
    reach: int
    score: int
    category: str | None
    tags: tuple[str, ...]
    guessed: tuple[str, ...]
    public: bool
    requester: PersonRef
    owner: Ref | None
    merged_into: UUID | None
    release_id: UUID | None
    voted: bool
    breached: bool
    next_step: str | None
    next_step_at: AwareDatetime | None
    reopen_count: int
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
    answered_at: AwareDatetime | None
    decided_at: AwareDatetime | None
    shipped_at: AwareDatetime | None
    verified_at: AwareDatetime | None
    closed_at: AwareDatetime | None


class FollowerRecord(Value):
    """Somebody who is told of every turn, and why."""

    person: PersonRef
    role: Role
    at: AwareDatetime


class Similar(Value):
    """An item that may be about the same; `likeness` is between 0 and 1, and orders them."""

    id: UUID
    number: int
    title: str
    status: Status
    reach: int
    likeness: float


class Delivered(Value):
    """How one person was told of one turn: the state of the notification of each channel."""

    person: Ref
    states: dict[str, str]
    bounced: bool
    error: str | None


class TurnDeliveries(Value):
    """How far one turn was told. `told` have it in the app or by a mail that was sent or is kept; of `bounced` a mail
    was refused for good; `muted` chose not to hear of such a turn; `pending` are on their way."""

    version: int
    kind: NoticeKind
    at: AwareDatetime
    told: int
    total: int
    bounced: int
    pending: int
    muted: int
    done: bool


class RoadmapItem(Value):
    """What everybody may know of an item."""

    id: UUID
    number: int
    title: str
    status: Status
    category: str | None
    reach: int
    shipped_at: AwareDatetime | None


class Release(Value):
    """What is shipped together, and what is said of it; a draft until `published_at`."""

    id: UUID
    name: str
    notes: str
    items: tuple[RoadmapItem, ...]
    created_at: AwareDatetime
    published_at: AwareDatetime | None


class CommentRecord(Value):
    """An answer, or a note of the staff."""

    id: UUID
    author: Ref | None
    visibility: Visibility
    body: str
    at: AwareDatetime
