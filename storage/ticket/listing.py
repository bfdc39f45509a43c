"""Lists of tickets: filters, full text, order and keyset paging, whose cost is that of a page.

A list is first the keys of its page, then the rows of these. The keys come from walks along indexes that have the
list's order: one walk if an index fits all of it, else one for each reason why somebody may see a ticket or for
each of several states, merged. What a list must hold is in `storage/ticket/condition.py`, what is found by
words in `storage/ticket/find.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeGuard
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, union

from domain.account import Ref
from domain.authorization import Visibility
from domain.ticket import custom as custom_fields
from domain.ticket.fields import ACTIVE
from domain.ticket.filter import Condition, Custom, CustomField, Filter, OneOf
from domain.ticket.query import CUSTOM
from domain.ticket.record import EscalationRecord, Ticket
from storage import field as fields
from storage.database import Reader, Writer
from storage.page import Order, in_order, page
from storage.tables.ticket import TicketFieldRow, TicketRow
from storage.ticket import custom
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

RELEVANCE: Final = "relevance"

_WAYS: Final = 24
"""Walks that are merged at most."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """The order of a list, the types of its keys, and the custom field that it begins with, if any."""

    name: str
    order: Order
    shape: tuple[type, ...]
    field: CustomField | None = None

    @property
    def is_by_age(self) -> bool:
        return self.name.removeprefix("-") == "created_at"


def sorting(name: str) -> Sorting:
    """By a field that every ticket has, a key of `ORDERS`; a `-` in front turns it round."""
    columns = ORDERS[name.removeprefix("-")]
    order = Order((*(column for column, _ in columns), TicketRow.id), descending=name.startswith("-"))
    return Sorting(name, order, (*(kind for _, kind in columns), UUID))


async def sorted_by(reader: Reader | Writer, visible: Visibility, name: str) -> Sorting:
    """By any field, or by relevance, which has the best first; raises Invalid for a custom field that there is not."""
    if name == RELEVANCE:
        return Sorting(name, Order(()), (int, UUID))
    plain = name.removeprefix("-")
    if not plain.startswith(CUSTOM):
        return sorting(name)
    staff = visible.everything or visible.works
    field = custom_fields.ordering(plain.removeprefix(CUSTOM), await fields.fields(reader) if staff else [])
    row = TicketFieldRow
    columns = (custom.value_of(field, row), row.created_at, row.ticket_id.label("id"))
    kind = Decimal if field.kind == "number" else str
    return Sorting(name, Order(columns, descending=name.startswith("-")), (kind, datetime, UUID), field)


def keys(
    visible: Visibility, wanted: Filter, by: Sorting, after: Sequence[Any] | None, size: int
) -> Select[Any]:
    """The keys of the first `size` tickets after `after`, without regard to words."""
    walks = [
        page(keyed(visible, wanted, by).where(*way), by.order, after, size - 1)
        for way in _ways(visible, wanted, by)
    ]
    if len(walks) == 1:
        return walks[0]
    merged = union(*(select(walk.subquery()) for walk in walks)).subquery()
    return (
        select(*merged.columns)
        .order_by(*in_order(replace(by.order, columns=tuple(merged.columns))))
        .limit(size)
    )


def keyed(visible: Visibility, wanted: Filter, by: Sorting) -> Select[Any]:
    """The keys of all tickets that have a place in this order."""
    statement = select(*by.order.columns).select_from(TicketRow)
    if by.name.endswith("next_step_at"):
        statement = statement.where(TicketRow.next_step_at.is_not(None), read_by_staff(visible))
    if by.field is not None:
        own = [one for one in wanted.conditions if _is_of(one, by.field)] or [Custom(by.field)]
        values = [each for one in own for each in custom.having(one, TicketFieldRow)]
        first = TicketFieldRow.position == 0
        statement = statement.join(TicketFieldRow, TicketFieldRow.ticket_id == TicketRow.id)
        statement = statement.where(first, read_by_staff(visible), *values)
    return statement


def _is_of(one: Condition, field: CustomField) -> TypeGuard[Custom]:
    return custom.names_values(one) and one.field == field


def _ways(visible: Visibility, wanted: Filter, by: Sorting) -> list[list[ColumnElement[bool]]]:
    """Conditions whose union is what is asked for, so that an index serves each of them in order."""
    if by.field is not None:
        rest = tuple(one for one in wanted.conditions if not _is_of(one, by.field))
        return [[*seen(visible), *conditions(visible, replace(wanted, conditions=rest))]]
    every = conditions(visible, wanted)
    if any(isinstance(one, Custom) and one.few for one in wanted.conditions):
        return [[*seen(visible), *every]]
    states = wanted.values_of("status")
    if states is not None and set(states) <= set(ACTIVE) and len(states) <= _WAYS:
        # Active tickets are few, whoever sees them.
        state = [OneOf("status", (one,)) for one in states]
        return [[*seen(visible), *every, *conditions(visible, Filter((one,)))] for one in state]
    if visible.everything or _is_covered(visible, wanted):
        return [every]
    ways = ways_to_see(visible)
    return [[way, *every] for way in ways] if len(ways) <= _WAYS else [[*seen(visible), *every]]


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
            assignee=Ref.of(row.assignee_id, row.assignee_name),
            team=Ref.of(row.team_id, row.team_name),
            step=row.next_step,
            due_at=row.next_step_at,
        )
        for row in rows
    ]
