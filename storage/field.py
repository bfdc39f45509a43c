"""Custom field definitions. There are few, so they are read all at once."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update

from domain.authorization import not_found
from domain.field import Field
from storage.conflicts import check_version, refusals
from storage.database import Reader, Writer
from storage.tables.field import FieldRow

_ALL: Final = select(*FieldRow.__table__.columns).order_by(FieldRow.key)


async def fields(reader: Reader | Writer) -> list[Field]:
    """All of them, by key, also those no longer in use."""
    return [Field.model_validate(row) for row in await reader.execute(_ALL)]


async def field(reader: Reader | Writer, field_id: UUID) -> Field:
    """Raises NotFound."""
    row = (await reader.execute(_ALL.where(FieldRow.id == field_id))).one_or_none()
    if row is None:
        raise not_found()
    return Field.model_validate(row)


async def create(writer: Writer, values: Mapping[str, Any]) -> Field:
    """Raises Conflict `key_taken`."""
    field_id = uuid4()
    async with refusals():
        await writer.execute(insert(FieldRow).values(id=field_id, **values))
    return await field(writer, field_id)


async def change(writer: Writer, field_id: UUID, values: Mapping[str, Any], expected: int | None) -> Field:
    """Raises NotFound and StaleVersion."""
    version = await writer.scalar(select(FieldRow.version).where(FieldRow.id == field_id).with_for_update())
    if version is None:
        raise not_found()
    check_version(expected, version)
    changed = {**values, "version": version + 1, "updated_at": func.now()}
    await writer.execute(update(FieldRow).where(FieldRow.id == field_id).values(changed))
    return await field(writer, field_id)
