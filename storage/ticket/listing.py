"""Lists of tickets: filters, full text, order and keyset paging, whose cost is that of a page.

A list is first the keys of its page, then the rows of these. The keys come from walks along indexes that have the
list's order: one walk if an index fits all of it, else one for each reason why somebody may see a ticket or for
each of several states, merged. What a list must hold is in `storage/ticket/condition.py`, what is found by
words in `storage/ticket/find.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, union

from domain.account import Ref
from domain.authorization import Visibility
from domain.ticket.fields import ACTIVE
from domain.ticket.filter import Filter, OneOf
from domain.ticket.record import EscalationRecord, Ticket
from storage.database import Reader
from storage.page import Order, page
from storage.tables.ticket import TicketRow
from storage.ticket.condition import conditions, read_by_staff, seen, ways_to_see
from storage.ticket.read import record, tickets

Key = tuple[Any, ...]
"""What a row of a list is sorted by; its last part is the ticket's id."""

_NEWEST: Final = (TicketRow.created_at, datetime)

ORDERS: Final[dict[str, tuple[tuple[Any, type], ...]]] = {
    "created_at": (_NEWEST,),
    "updated_at": ((TicketRow.updated_at, datetime),),
    "number": ((TicketRow.number, int),),
    "priority": ((TicketRow.rank, int), _NEWEST),
    "next_step_at": ((TicketRow.next_step_at, datetime),),
}
"""What a list can be sorted by: the columns and the types of its key. `priority` puts critical first, and among
equals the oldest."""

_WAYS: Final = 24
"""Walks that are merged at most."""


def order_of(sort: str) -> Order:
    columns = [column for column, _ in ORDERS[sort.removeprefix("-")]]
    return Order((*columns, TicketRow.id), descending=sort.startswith("-"))


def always(visible: Visibility, sort: str) -> list[ColumnElement[bool]]:
    """What a ticket must have to stand in this order."""
    if not sort.endswith("next_step_at"):
        return []
    return [TicketRow.next_step_at.is_not(None), read_by_staff(visible)]


def keys(
    visible: Visibility, wanted: Filter, sort: str, after: Sequence[Any] | None, size: int
) -> Select[Any]:
    """The keys of the first `size` tickets after `after`, without regard to words."""
    order = order_of(sort)
    walks = [
        page(select(*order.columns).where(*always(visible, sort), *way), order, after, size - 1)
        for way in _ways(visible, wanted)
    ]
    if len(walks) == 1:
        return walks[0]
    merged = union(*(select(walk.subquery()) for walk in walks)).subquery()
    statement = select(*merged.columns)
    by = [column.desc() if order.descending else column.asc() for column in merged.columns]
    return statement.order_by(*by).limit(size)


def _ways(visible: Visibility, wanted: Filter) -> list[list[ColumnElement[bool]]]:
    """Conditions whose union is what is asked for, so that an index serves each of them in order."""
    states = wanted.values_of("status")
    if states is not None and set(states) <= set(ACTIVE) and len(states) <= _WAYS:
        # Active tickets are few, whoever sees them.
        return [
            [*seen(visible), *conditions(visible, wanted & Filter((OneOf("status", (state,)),)))]
            for state in states
        ]
    if visible.everything or _is_covered(visible, wanted):
        return [conditions(visible, wanted)]
    ways = ways_to_see(visible)
    if len(ways) > _WAYS:
        return [[*seen(visible), *conditions(visible, wanted)]]
    return [[way, *conditions(visible, wanted)] for way in ways]


def _is_covered(visible: Visibility, wanted: Filter) -> bool:
    """Whether everything that is asked for may be seen anyway."""
    me = {visible.person_id}
    requesters = wanted.values_of("requester")
    if requesters is not None and set(requesters) <= me:
        return True
    assignees, teams = wanted.values_of("assignee"), wanted.values_of("team")
    return visible.works and (
        (assignees is not None and set(assignees) <= me)
        or (teams is not None and set(teams) <= {None, *visible.team_ids})
    )


async def records(reader: Reader, ids: Sequence[UUID]) -> dict[UUID, Ticket]:
    """The tickets with these ids, as far as they are still there."""
    rows = (await reader.execute(tickets().where(TicketRow.id.in_(ids)))).all()
    return {row.id: record(row) for row in rows}


async def escalations(
    reader: Reader,
    visible: Visibility,
    due_before: datetime | None,
    after: Sequence[Any] | None,
    size: int,
) -> list[EscalationRecord]:
    """What fires next by itself, the earliest first."""
    order = Order((TicketRow.next_step_at, TicketRow.id))
    statement = tickets().where(*seen(visible), TicketRow.next_step_at.is_not(None))
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
