"""Prizes as administrators keep them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update

from domain.achievement.claim import Prize
from domain.authorization import not_found
from domain.errors import Conflict
from storage.conflicts import check_version, refusals
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.tables.achievement import PrizeRow

NEWEST_FIRST: Final = Order((PrizeRow.created_at, PrizeRow.id), descending=True)


async def prize(session: Reader | Writer, prize_id: UUID) -> Prize:
    """Raises NotFound."""
    row = (await session.execute(_ALL.where(PrizeRow.id == prize_id))).one_or_none()
    if row is None:
        raise not_found()
    return Prize.model_validate(row)


async def prizes(reader: Reader, *, after: Sequence[Any] | None, size: int) -> list[Prize]:
    return [Prize.model_validate(row) for row in await reader.execute(page(_ALL, NEWEST_FIRST, after, size))]


async def create(writer: Writer, values: Mapping[str, Any]) -> Prize:
    """Raises Conflict `name_taken`."""
    made = uuid4()
    async with refusals():
        await writer.execute(insert(PrizeRow).values(id=made, **values))
    return await prize(writer, made)


async def change(writer: Writer, prize_id: UUID, changes: Mapping[str, Any], expected: int | None) -> Prize:
    """Claims that there are cost what they cost. Raises NotFound, StaleVersion, and Conflict for a budget that is less
    than what is reserved and spent."""
    await writer.execute(select(PrizeRow.id).where(PrizeRow.id == prize_id).with_for_update())
    known = await prize(writer, prize_id)
    check_version(expected, known.version)
    if changes.get("budget", known.budget) < known.reserved + known.spent:
        raise Conflict("budget_in_use", "More than that is reserved and spent already.", field="budget")
    kept = {**changes, "version": known.version + 1, "updated_at": func.now()}
    async with refusals():
        await writer.execute(update(PrizeRow).where(PrizeRow.id == prize_id).values(kept))
    return await prize(writer, prize_id)


_ALL: Final = select(*PrizeRow.__table__.columns)
