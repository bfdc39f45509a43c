"""A ticket as it leaves the desk whole: what lists show, and everything that belongs to it.

It is what `POST /api/v1/tickets/import` takes, so another desk gets the same ticket of it, with its promises. As a
row of a table it has neither conversation nor lists of people.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from pydantic import AwareDatetime

from domain.account import Value
from domain.field import Field
from domain.sheet import Cell
from domain.sla.policy import ClockName
from domain.sla.view import LedgerRecord, Span
from domain.ticket.fields import Relation, Visibility
from domain.ticket.record import PersonRef, Ticket


class ExportedComment(Value):
    id: UUID
    author: PersonRef | None
    visibility: Visibility
    body: str
    at: AwareDatetime


class ExportedEvent(Value):
    """One event of the history, in its place; people in `data` are known by their ids here."""

    type: str
    at: AwareDatetime
    actor: PersonRef | None
    cause: str | None
    data: dict[str, Any]


class ExportedLink(Value):
    """What this ticket is to `ticket`: `child` says that this one is the child."""

    ticket: UUID
    number: int
    relation: Relation


class ExportedAttachment(Value):
    """What is known of a file; its bytes are at `/api/v1/tickets/{ticket}/attachments/{id}`."""

    id: UUID
    comment: UUID | None
    name: str
    media_type: str
    size: int
    sha256: str
    visibility: Visibility
    created_by: PersonRef
    created_at: AwareDatetime


class ExportedClock(Value):
    """A clock that runs or is paused: when its steps are due follows from it and the policy, what has fired stands
    in `fired`."""

    cycle: int
    target: Span
    started_at: AwareDatetime
    spent: Span
    running_since: AwareDatetime | None
    breached_at: AwareDatetime | None
    acknowledged: bool
    fired: dict[str, int]


class ExportedProcess(Value):
    """What a ticket's process remembers beside the fields of the ticket; `ended` is the last cycle's clock of the
    resolution, for policies that resume it."""

    accepted: bool
    assignee_tier: int | None
    clocks: dict[ClockName, ExportedClock]
    cycles: dict[ClockName, int]
    ended: ExportedClock | None


class ExportedTicket(Ticket):
    """Messages of a ticket that was merged into this one are in that ticket's own line. Promises are told to those
    who work on it."""

    assignee: PersonRef | None
    collaborators: tuple[PersonRef, ...] = ()
    watchers: tuple[PersonRef, ...] = ()
    links: tuple[ExportedLink, ...] = ()
    comments: tuple[ExportedComment, ...] = ()
    events: tuple[ExportedEvent, ...] = ()
    attachments: tuple[ExportedAttachment, ...] = ()
    ledger: tuple[LedgerRecord, ...] = ()
    process: ExportedProcess | None = None


_PLAIN: Final = (
    "id",
    "number",
    "external_id",
    "subject",
    "description",
    "status",
    "priority",
    "requested_priority",
    "category",
    "kind",
    "channel",
    "tier",
)
_PLAIN_LATER: Final = (
    "reopen_count",
    "satisfaction",
    "created_at",
    "updated_at",
    "first_responded_at",
    "resolved_at",
    "closed_at",
    "breached",
    "next_step",
    "next_step_at",
    "waiting_reason",
    "merged_into",
    "version",
)
_NAMED: Final = ("requester", "requester_email", "organization", "assignee", "team", "tags")


def columns(fields: Iterable[Field]) -> list[str]:
    """The names of the columns; each custom field has one."""
    return [*_PLAIN, *_NAMED, *_PLAIN_LATER, *(f"custom_fields.{field.key}" for field in fields)]


def cells(ticket: Ticket, fields: Iterable[Field]) -> Sequence[Cell]:
    """The row of a ticket."""
    return [
        *(getattr(ticket, name) for name in _PLAIN),
        ticket.requester.name,
        ticket.requester.email,
        *(None if one is None else one.name for one in (ticket.organization, ticket.assignee, ticket.team)),
        ", ".join(ticket.tags),
        *(getattr(ticket, name) for name in _PLAIN_LATER),
        *(_cell(ticket.custom_fields.get(field.key)) for field in fields),
    ]


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
