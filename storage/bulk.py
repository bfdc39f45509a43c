"""Bulk actions: choosing the tickets, taking the next ones, and keeping how each fared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, Update, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.account import Principal, Ref
from domain.authorization import Visibility, not_found
from domain.bulk import LIMIT, Bulk, Item, ItemState, State
from domain.errors import DeskError, Invalid
from domain.repetition import key_reused
from domain.ticket.filter import Filter
from storage import outbox
from storage.database import Database, Reader, Writer
from storage.page import Order, page
from storage.tables.account import PersonRow
from storage.tables.bulk import BulkItemRow, BulkRow
from storage.tables.ticket import TicketRow
from storage.ticket.condition import narrow

NEWEST_FIRST: Final = Order((BulkRow.created_at, BulkRow.id), descending=True)
BY_POSITION: Final = Order((BulkItemRow.position,))
_PAGE: Final = 40


@dataclass(frozen=True, slots=True)
class Wanted:
    """The tickets that are meant: by id, or by filter, of those that the person sees."""

    visible: Visibility
    ids: tuple[UUID, ...] | None
    filter: Filter

    async def narrowed(self, session: Reader | Writer, statement: Select[Any]) -> Select[Any]:
        """A query of tickets, of these only; raises Invalid for a name that nobody has."""
        if self.ids is not None:
            statement = statement.where(TicketRow.id.in_(self.ids))
        narrowed = await narrow(session, self.visible, self.filter)
        return narrowed(statement)


async def by_status(reader: Reader, wanted: Wanted) -> dict[str, int]:
    """How many tickets are meant, by status."""
    grouped: Any = select(TicketRow.status, func.count()).group_by(TicketRow.status)
    rows = (await reader.execute(await wanted.narrowed(reader, grouped))).all()
    return {row[0]: row[1] for row in rows}


async def begin(
    writer: Writer,
    bulk_id: UUID,
    caller: Principal,
    fingerprint: str,
    action: str,
    fields: Any,
    wanted: Wanted,
) -> bool:
    """Keeps the action and its tickets as they are chosen now, the oldest first, and asks for the process.

    False if it was there before. Raises Conflict for another action under the same key, and Invalid for more
    than `LIMIT` tickets or none.
    """
    if await _is_known(writer, bulk_id, fingerprint):
        return False
    oldest_first = select(TicketRow.id).order_by(TicketRow.created_at, TicketRow.id).limit(LIMIT + 1)
    tickets = (await writer.scalars(await wanted.narrowed(writer, oldest_first))).all()
    if not tickets:
        raise Invalid("no_tickets", "No ticket that you may see is meant by this.")
    if len(tickets) > LIMIT:
        raise Invalid("too_many_tickets", f"A bulk action takes at most {LIMIT} tickets; narrow the filter.")
    values = {"action": action, "fields": fields, "state": State.RUNNING, "total": len(tickets)}
    new = upsert(BulkRow).values(id=bulk_id, person_id=caller.person_id, fingerprint=fingerprint, **values)
    made = await writer.scalar(new.on_conflict_do_nothing().returning(BulkRow.id))
    if made is None:  # the same request, at the same time
        await _is_known(writer, bulk_id, fingerprint)
        return False
    items = [
        {"bulk_id": bulk_id, "position": position, "ticket_id": ticket, "state": ItemState.PENDING}
        for position, ticket in enumerate(tickets, 1)
    ]
    await writer.execute(insert(BulkItemRow), items)
    await outbox.put(writer, "bulk", str(bulk_id), {})
    return True


async def _is_known(writer: Writer, bulk_id: UUID, fingerprint: str) -> bool:
    """Raises Conflict when it is known with another body."""
    known = await writer.scalar(select(BulkRow.fingerprint).where(BulkRow.id == bulk_id))
    if known is not None and known != fingerprint:
        raise key_reused()
    return known is not None


async def bulk(reader: Reader | Writer, bulk_id: UUID) -> Bulk:
    """Raises NotFound."""
    statement = _bulks().where(BulkRow.id == bulk_id)
    row = (await reader.execute(statement)).one_or_none()
    if row is None:
        raise not_found()
    counts = await _counts(reader, [row.id])
    return _record(row, counts)


async def bulks(
    reader: Reader, *, person_id: UUID | None, after: Sequence[Any] | None, size: int
) -> list[Bulk]:
    statement = _bulks()
    if person_id is not None:
        statement = statement.where(BulkRow.person_id == person_id)
    rows = (await reader.execute(page(statement, NEWEST_FIRST, after, size))).all()
    counts = await _counts(reader, [row.id for row in rows])
    return [_record(row, counts) for row in rows]


async def items(
    reader: Reader, bulk_id: UUID, *, state: ItemState | None, after: Sequence[Any] | None, size: int
) -> list[Item]:
    statement = (
        select(*BulkItemRow.__table__.columns, TicketRow.subject)
        .join(TicketRow, TicketRow.id == BulkItemRow.ticket_id)
        .where(BulkItemRow.bulk_id == bulk_id)
    )
    if state is not None:
        statement = statement.where(BulkItemRow.state == state)
    return [
        Item(
            position=row.position,
            ticket=Ref(id=row.ticket_id, name=row.subject),
            state=row.state,
            code=row.code,
            detail=row.detail,
        )
        for row in (await reader.execute(page(statement, BY_POSITION, after, size))).all()
    ]


async def cancel(writer: Writer, bulk_id: UUID) -> None:
    """What is begun is finished; what is still pending is not begun."""
    running = (BulkRow.id == bulk_id, BulkRow.state == State.RUNNING)
    stopped = await writer.execute(
        update(BulkRow).where(*running).values(state=State.CANCELLED).returning(BulkRow.id)
    )
    if stopped.scalar_one_or_none() is not None:
        pending = (BulkItemRow.bulk_id == bulk_id, BulkItemRow.state == ItemState.PENDING)
        await writer.execute(update(BulkItemRow).where(*pending).values(state=ItemState.CANCELLED))


class Bulks:
    """What the process of a bulk action needs to know and to keep."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def next_items(self, bulk_id: UUID) -> tuple[Bulk, list[tuple[int, UUID]]]:
        """The action, and position and ticket of the next items, which are begun with that; none when it is over.

        What was begun before and is not kept, because everything died, comes first, also when it was cancelled.
        """
        async with self._database.writing() as writer:
            found = await bulk(writer, bulk_id)
            items = await _begun(writer, bulk_id)
            if not items and found.state is State.RUNNING:
                await writer.execute(_begin_next(bulk_id))
                items = await _begun(writer, bulk_id)
        return found, items

    async def keep(self, bulk_id: UUID, position: int, error: DeskError | None) -> None:
        """How an item fared. Kept twice, it says the same."""
        state = ItemState.DONE if error is None else ItemState.REFUSED
        said = (
            {"code": None, "detail": None} if error is None else {"code": error.code, "detail": error.detail}
        )
        item = (BulkItemRow.bulk_id == bulk_id, BulkItemRow.position == position)
        async with self._database.writing() as writer:
            await writer.execute(update(BulkItemRow).where(*item).values(state=state, **said))

    async def finish(self, bulk_id: UUID) -> None:
        async with self._database.writing() as writer:
            open_ones = (BulkRow.id == bulk_id, BulkRow.finished_at.is_(None))
            await writer.execute(update(BulkRow).where(*open_ones).values(finished_at=func.now()))
            running = (BulkRow.id == bulk_id, BulkRow.state == State.RUNNING)
            await writer.execute(update(BulkRow).where(*running).values(state=State.DONE))


async def _begun(writer: Writer, bulk_id: UUID) -> list[tuple[int, UUID]]:
    statement = (
        select(BulkItemRow.position, BulkItemRow.ticket_id)
        .where(BulkItemRow.bulk_id == bulk_id, BulkItemRow.state == ItemState.BEGUN)
        .order_by(BulkItemRow.position)
    )
    return [(row.position, row.ticket_id) for row in (await writer.execute(statement)).all()]


def _begin_next(bulk_id: UUID) -> Update:
    """What is cancelled meanwhile is left: the state is looked at again when its row is locked."""
    pending = (BulkItemRow.bulk_id == bulk_id, BulkItemRow.state == ItemState.PENDING)
    following = select(BulkItemRow.position).where(*pending).order_by(BulkItemRow.position).limit(_PAGE)
    return (
        update(BulkItemRow)
        .where(*pending, BulkItemRow.position.in_(following.scalar_subquery()))
        .values(state=ItemState.BEGUN)
    )


def _bulks() -> Select[Any]:
    return select(*BulkRow.__table__.columns, PersonRow.name.label("person_name")).join(
        PersonRow, PersonRow.id == BulkRow.person_id
    )


async def _counts(reader: Reader | Writer, bulk_ids: Sequence[UUID]) -> dict[UUID, dict[ItemState, int]]:
    statement = (
        select(BulkItemRow.bulk_id, BulkItemRow.state, func.count())
        .where(BulkItemRow.bulk_id.in_(bulk_ids))
        .group_by(BulkItemRow.bulk_id, BulkItemRow.state)
    )
    counts: dict[UUID, dict[ItemState, int]] = {}
    for bulk_id, state, count in await reader.execute(statement):
        counts.setdefault(bulk_id, {})[ItemState(state)] = count
    return counts


def _record(row: Row[Any], counts: dict[UUID, dict[ItemState, int]]) -> Bulk:
    return Bulk(
        id=row.id,
        person=Ref(id=row.person_id, name=row.person_name),
        action=row.action,
        fields=row.fields,
        state=row.state,
        total=row.total,
        counts=dict.fromkeys(ItemState, 0) | counts.get(row.id, {}),
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
