"""Lists of tickets: filters, full text, order and keyset paging, in one query whose cost is a page's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, any_, func, or_, select

from domain.account import Ref
from domain.authorization import Visibility
from domain.ticket.record import EscalationRecord, Ticket
from storage import search
from storage.database import Reader
from storage.page import Order, page
from storage.tables.ticket import TicketCollaboratorRow, TicketCommentRow, TicketRow
from storage.ticket.read import record, tickets

ORDERS: Final[dict[str, tuple[Any, type]]] = {
    "created_at": (TicketRow.created_at, datetime),
    "updated_at": (TicketRow.updated_at, datetime),
    "number": (TicketRow.number, int),
    "priority": (TicketRow.rank, int),
    "next_step_at": (TicketRow.next_step_at, datetime),
}
"""What a list can be sorted by: the column and the type of its key. `priority` puts critical first."""

_EQUAL: Final = (
    "status",
    "priority",
    "category",
    "kind",
    "channel",
    "tier",
    "external_id",
    "waiting_reason",
    "requester_id",
    "assignee_id",
    "team_id",
    "organization_id",
)


@dataclass(frozen=True, slots=True)
class Filter:
    """`equal` maps a column to the values that pass; None among them stands for an empty field."""

    equal: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    number: int | None = None
    tags: tuple[str, ...] = ()
    breached: bool | None = None
    text: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_since: datetime | None = None


async def listing(
    reader: Reader,
    visible: Visibility,
    wanted: Filter,
    sort: str,
    after: Sequence[Any] | None,
    size: int,
) -> list[tuple[Ticket, tuple[Any, ...]]]:
    """Up to `size + 1` tickets with their paging keys. The permission is part of the query."""
    name = sort.removeprefix("-")
    column = ORDERS[name][0]
    order = Order((column, TicketRow.id), descending=sort.startswith("-"))
    statement = restricted(tickets(), visible, wanted)
    if name == "next_step_at":
        statement = statement.where(TicketRow.next_step_at.is_not(None))
    rows = (await reader.execute(page(statement, order, after, size))).all()
    return [(record(row), (getattr(row, column.key), row.id)) for row in rows]


def restricted(statement: Select[Any], visible: Visibility, wanted: Filter) -> Select[Any]:
    """A query of tickets, narrowed to those that may be seen and are asked for."""
    return statement.where(*_visible(visible), *_conditions(wanted))


def _visible(visible: Visibility) -> list[ColumnElement[bool]]:
    """The same rule as `Visibility.covers`, in SQL."""
    if visible.everything:
        return []
    follows = select(TicketCollaboratorRow.ticket_id).where(
        TicketCollaboratorRow.person_id == visible.person_id
    )
    seen = [
        TicketRow.requester_id == visible.person_id,
        TicketRow.id == any_(func.array(follows.scalar_subquery())),
    ]
    if visible.works:
        seen += [
            TicketRow.assignee_id == visible.person_id,
            TicketRow.team_id.is_(None),
            TicketRow.team_id.in_(visible.team_ids),
        ]
    return [or_(*seen)]


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found = [_one_of(name, values) for name, values in wanted.equal.items() if name in _EQUAL]
    if wanted.number is not None:
        found.append(TicketRow.number == wanted.number)
    if wanted.tags:
        found.append(TicketRow.tags.contains(list(wanted.tags)))
    if wanted.breached is not None:
        found.append(TicketRow.breached == wanted.breached)
    if wanted.created_after is not None:
        found.append(TicketRow.created_at >= wanted.created_after)
    if wanted.created_before is not None:
        found.append(TicketRow.created_at < wanted.created_before)
    if wanted.updated_since is not None:
        found.append(TicketRow.updated_at >= wanted.updated_since)
    if wanted.text is not None:
        found.append(_matches(wanted.text))
    return found


def _one_of(name: str, values: tuple[Any, ...]) -> ColumnElement[bool]:
    column = getattr(TicketRow, name)
    given = [value for value in values if value is not None]
    within: ColumnElement[bool] = column.in_(given)
    return or_(within, column.is_(None)) if None in values else within


def _matches(text: str) -> ColumnElement[bool]:
    """Subject and description, or a public comment."""
    query = search.query(text)
    commented = select(TicketCommentRow.ticket_id).where(
        TicketCommentRow.search.op("@@")(query), TicketCommentRow.visibility == "public"
    )
    return or_(TicketRow.search.op("@@")(query), TicketRow.id.in_(commented))


async def escalations(
    reader: Reader,
    visible: Visibility,
    due_before: datetime | None,
    after: Sequence[Any] | None,
    size: int,
) -> list[EscalationRecord]:
    """What fires next by itself, the earliest first."""
    order = Order((TicketRow.next_step_at, TicketRow.id))
    statement = restricted(tickets(), visible, Filter()).where(TicketRow.next_step_at.is_not(None))
    if due_before is not None:
        statement = statement.where(TicketRow.next_step_at < due_before)
    rows = (await reader.execute(page(statement, order, after, size))).all()
    return [
        EscalationRecord(
            ticket_id=row.id,
            number=row.number,
            subject=row.subject,
            priority=row.priority,
            status=row.status,
            assignee=None if row.assignee_id is None else Ref(id=row.assignee_id, name=row.assignee_name),
            team=None if row.team_id is None else Ref(id=row.team_id, name=row.team_name),
            step=row.next_step,
            due_at=row.next_step_at,
        )
        for row in rows
    ]
