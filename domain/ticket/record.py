"""A ticket as the desk shows it: the read model's row with the names that people know."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime

from domain.account import Ref, Value
from domain.classifier.classification import Classification
from domain.ticket.fields import Channel, Kind, Priority, Relation, Status, Visibility
from domain.view import Count


class PersonRef(Ref):
    """A person; staff see the address too."""

    email: str | None = None


class Ticket(Value):
    """`version` is the number of commits of its process; `next_step` is what fires next by itself, and when.

    `classification` is what was guessed when it was opened, whatever became of it since. `satisfaction` is the
    score that its requester gave last, from 1 to 5.
    """

    id: UUID
    number: int
    external_id: str | None
    subject: str
    description: str
    status: Status
    priority: Priority
    requested_priority: Priority
    category: str | None
    kind: Kind | None
    channel: Channel
    tier: int
    requester: PersonRef
    organization: Ref | None
    assignee: Ref | None
    team: Ref | None
    waiting_reason: str | None
    merged_into: UUID | None
    tags: tuple[str, ...]
    custom_fields: dict[str, Any]
    classification: Classification | None = None
    breached: bool
    next_step: str | None
    next_step_at: AwareDatetime | None
    reopen_count: int
    satisfaction: int | None = None
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
    first_responded_at: AwareDatetime | None
    resolved_at: AwareDatetime | None
    closed_at: AwareDatetime | None
    collaborators: tuple[Ref, ...] = ()


class TagCount(Count):
    """A tag, and how many tickets that the caller works on have it."""

    tag: str


class CommentRecord(Value):
    """`ticket_id` is another ticket's where the message came to one that was merged into this one."""

    id: UUID
    ticket_id: UUID
    author: Ref | None
    visibility: Visibility
    body: str
    at: AwareDatetime


class ViewerRecord(Value):
    person: Ref
    typing: bool
    seen_at: AwareDatetime


class EventRecord(Value):
    """One event of the history; `number` is the ticket's version that it made."""

    number: int
    position: int
    type: str
    at: AwareDatetime
    actor: Ref | None
    cause: str | None
    data: dict[str, Any]


class LinkRecord(Value):
    ticket: Ref
    number: int
    relation: Relation


class EscalationRecord(Value):
    """What fires next on a ticket, and when."""

    ticket_id: UUID
    number: int
    subject: str
    priority: Priority
    status: Status
    assignee: Ref | None
    team: Ref | None
    step: str
    due_at: datetime


class Highlight(Value):
    """A fragment of a ticket's text; `marks` are the places, in characters, of what was looked for."""

    field: Literal["subject", "description", "comment"]
    comment: UUID | None
    text: str
    marks: tuple[tuple[int, int], ...]
