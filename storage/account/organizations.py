"""Organizations of customers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update

from domain.account import Organization
from domain.authorization import not_found
from storage.conflicts import check_version, refusals
from storage.database import Reader, Writer
from storage.page import Order, contains, page
from storage.tables.account import OrganizationRow

BY_NAME: Final = Order((OrganizationRow.name, OrganizationRow.id))
_ALL: Final = select(*OrganizationRow.__table__.columns)


async def organization(reader: Reader | Writer, organization_id: UUID) -> Organization:
    """Raises NotFound."""
    found = (await reader.execute(_ALL.where(OrganizationRow.id == organization_id))).one_or_none()
    if found is None:
        raise not_found()
    return Organization.model_validate(found)


async def organizations(
    reader: Reader, *, name: str | None, q: str | None, after: Sequence[Any] | None, size: int
) -> list[Organization]:
    statement = _ALL
    if name is not None:
        statement = statement.where(func.lower(OrganizationRow.name) == func.lower(name))
    if q is not None:
        statement = statement.where(contains(OrganizationRow.name, q))
    found = await reader.execute(page(statement, BY_NAME, after, size))
    return [Organization.model_validate(row) for row in found]


async def create_organization(writer: Writer, fields: Mapping[str, Any]) -> Organization:
    """Raises Conflict `name_taken`."""
    organization_id = uuid4()
    async with refusals():
        await writer.execute(insert(OrganizationRow).values(id=organization_id, **fields))
    return await organization(writer, organization_id)


async def update_organization(
    writer: Writer, organization_id: UUID, changes: Mapping[str, Any], expected_version: int | None
) -> Organization:
    """Raises NotFound, StaleVersion and Conflict `name_taken`."""
    table = OrganizationRow
    version = await writer.scalar(select(table.version).where(table.id == organization_id).with_for_update())
    if version is None:
        raise not_found()
    check_version(expected_version, version)
    values = {**changes, "version": version + 1, "updated_at": func.now()}
    async with refusals():
        await writer.execute(update(table).where(table.id == organization_id).values(values))
    return await organization(writer, organization_id)
