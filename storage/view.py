"""Saved views: who may use which, keeping them, and counting what they hold."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Row, delete, func, insert, select, update

from domain.account import Principal
from domain.authorization import Visibility, not_found
from domain.ticket.filter import Filter
from domain.view import COUNTED, Count, View
from storage.conflicts import check_version, refusals
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.sharing import usable
from storage.tables.ticket import TicketRow
from storage.tables.view import ViewRow
from storage.ticket.condition import narrow, typed
from storage.ticket.listing import sorted_by

IN_ORDER: Final = Order((ViewRow.position, ViewRow.name, ViewRow.id))
_ALL: Final = select(*ViewRow.__table__.columns)


async def views(reader: Reader, caller: Principal, *, after: Sequence[Any] | None, size: int) -> list[View]:
    statement = page(_ALL.where(usable(caller, ViewRow)), IN_ORDER, after, size)
    return [_record(row) for row in await reader.execute(statement)]


async def view(reader: Reader | Writer, caller: Principal, view_id: UUID) -> View:
    """Raises NotFound, also for one that is not for the caller."""
    row = (await reader.execute(_ALL.where(ViewRow.id == view_id, usable(caller, ViewRow)))).one_or_none()
    if row is None:
        raise not_found()
    return _record(row)


async def check(writer: Writer, visible: Visibility, wanted: Filter, sort: str) -> None:
    """Raises Invalid for a custom field that there is not, or for what it cannot be. People may come later."""
    await typed(writer, visible, wanted)
    await sorted_by(writer, visible, sort)


async def create(writer: Writer, caller: Principal, fields: Mapping[str, Any]) -> View:
    """Raises Conflict `name_taken`."""
    view_id = uuid4()
    async with refusals():
        await writer.execute(insert(ViewRow).values(id=view_id, **fields))
    return await view(writer, caller, view_id)


async def change(
    writer: Writer, caller: Principal, view_id: UUID, fields: Mapping[str, Any], expected: int | None
) -> View:
    """Raises NotFound, StaleVersion and Conflict `name_taken`."""
    version = await writer.scalar(select(ViewRow.version).where(ViewRow.id == view_id).with_for_update())
    if version is None:
        raise not_found()
    check_version(expected, version)
    values = {**fields, "version": version + 1, "updated_at": func.now()}
    async with refusals():
        await writer.execute(update(ViewRow).where(ViewRow.id == view_id).values(values))
    return await view(writer, caller, view_id)


async def remove(writer: Writer, view_id: UUID) -> None:
    await writer.execute(delete(ViewRow).where(ViewRow.id == view_id))


async def count(reader: Reader, visible: Visibility, wanted: Filter) -> Count:
    """How many tickets are meant, counted no further than `COUNTED`; raises Invalid for a name that nobody has."""
    narrowed = await narrow(reader, visible, wanted)
    some = narrowed(select(TicketRow.id)).limit(COUNTED + 1).subquery()
    found = await reader.scalar(select(func.count()).select_from(some)) or 0
    return Count(tickets=min(found, COUNTED), more=found > COUNTED)


def _record(row: Row[Any]) -> View:
    """From a mapping: a row has a method `count` of its own."""
    return View.model_validate(dict(row._mapping))
