"""Macros: who may use which, and keeping them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import delete, func, insert, select, update

from domain.account import Principal
from domain.authorization import not_found
from domain.macro import Macro
from storage.conflicts import check_version, refusals
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.sharing import usable
from storage.tables.macro import MacroRow

BY_NAME: Final = Order((MacroRow.name, MacroRow.id))
_ALL: Final = select(*MacroRow.__table__.columns)


async def macros(reader: Reader, caller: Principal, *, after: Sequence[Any] | None, size: int) -> list[Macro]:
    rows = await reader.execute(page(_ALL.where(usable(caller, MacroRow)), BY_NAME, after, size))
    return [Macro.model_validate(row) for row in rows]


async def macro(reader: Reader | Writer, caller: Principal, macro_id: UUID) -> Macro:
    """Raises NotFound, also for one that is not for the caller."""
    row = (await reader.execute(_ALL.where(MacroRow.id == macro_id, usable(caller, MacroRow)))).one_or_none()
    if row is None:
        raise not_found()
    return Macro.model_validate(row)


async def create(writer: Writer, caller: Principal, fields: Mapping[str, Any]) -> Macro:
    """Raises Conflict `name_taken`."""
    macro_id = uuid4()
    async with refusals():
        await writer.execute(insert(MacroRow).values(id=macro_id, **fields))
    return await macro(writer, caller, macro_id)


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
    return await macro(writer, caller, macro_id)


async def remove(writer: Writer, macro_id: UUID) -> None:
    await writer.execute(delete(MacroRow).where(MacroRow.id == macro_id))
