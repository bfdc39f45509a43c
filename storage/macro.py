"""Macros: who may use which, and keeping them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from domain.account import Principal, Role
from domain.authorization import not_found
from domain.macro import Macro
from storage.conflicts import check_version, refusals
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.tables.macro import MacroRow

BY_NAME: Final = Order((MacroRow.name, MacroRow.id))
_ALL: Final = select(*MacroRow.__table__.columns)


async def macros(reader: Reader, caller: Principal, *, after: Sequence[Any] | None, size: int) -> list[Macro]:
    rows = await reader.execute(page(_ALL.where(_usable(caller)), BY_NAME, after, size))
    return [Macro.model_validate(row) for row in rows]


async def usable(reader: Reader | Writer, caller: Principal, macro_id: UUID) -> Macro:
    """Raises NotFound, also for one that is not for the caller."""
    row = (await reader.execute(_ALL.where(MacroRow.id == macro_id, _usable(caller)))).one_or_none()
    if row is None:
        raise not_found()
    return Macro.model_validate(row)


async def create(writer: Writer, caller: Principal, fields: Mapping[str, Any]) -> Macro:
    """Raises Conflict `name_taken`."""
    macro_id = uuid4()
    async with refusals():
        await writer.execute(insert(MacroRow).values(id=macro_id, **fields))
    return await usable(writer, caller, macro_id)


async def change(
    writer: Writer, caller: Principal, macro_id: UUID, fields: Mapping[str, Any], expected: int | None
) -> Macro:
    """Raises NotFound, StaleVersion and Conflict `name_taken`."""
    version = await writer.scalar(select(MacroRow.version).where(MacroRow.id == macro_id).with_for_update())
    if version is None:
        raise not_found()
    check_version(expected, version)
    values = {**fields, "version": version + 1, "updated_at": func.now()}
    async with refusals():
        await writer.execute(update(MacroRow).where(MacroRow.id == macro_id).values(values))
    return await usable(writer, caller, macro_id)


async def remove(writer: Writer, macro_id: UUID) -> None:
    await writer.execute(delete(MacroRow).where(MacroRow.id == macro_id))


def _usable(caller: Principal) -> ColumnElement[bool]:
    """One's own, and the shared ones that are for all or for a team of one's own; management sees all shared."""
    mine = MacroRow.owner_id == caller.person_id
    shared: ColumnElement[bool] = MacroRow.owner_id.is_(None)
    if not caller.has(Role.MANAGER, Role.ADMIN):
        shared = and_(
            shared,
            or_(func.cardinality(MacroRow.team_ids) == 0, MacroRow.team_ids.overlap(list(caller.team_ids))),
        )
    return or_(mine, shared)
