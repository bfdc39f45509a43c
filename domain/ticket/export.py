"""A ticket as it leaves the desk whole: what lists show, and everything that belongs to it.

It is what `duradesk import tickets` takes, so another desk gets the same ticket of it. As a row of a table it has
neither conversation nor lists of people.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime

from domain.account import Value
from domain.field import Field
from domain.sheet import Cell
from domain.ticket.fields import Relation, Visibility
from domain.ticket.record import PersonRef, Ticket


class ExportedComment(Value):
    id: UUID
    author: PersonRef | None
    visibility: Visibility
    body: str
    at: AwareDatetime


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


class ExportedTicket(Ticket):
    """Messages of a ticket that was merged into this one are in that ticket's own line."""

    assignee: PersonRef | None
    collaborators: tuple[PersonRef, ...] = ()
    watchers: tuple[PersonRef, ...] = ()
    links: tuple[ExportedLink, ...] = ()
    comments: tuple[ExportedComment, ...] = ()
    attachments: tuple[ExportedAttachment, ...] = ()


REMADE: Final = ("version", "waiting_reason", "breached", "next_step", "next_step_at")
"""What an importing desk makes anew: its own process, its own promises."""

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
