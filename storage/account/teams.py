"""Teams and their members."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Row, Select, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from domain.account import Ref, Team
from domain.authorization import not_found
from storage import outbox
from storage.conflicts import check_version, refusals
from storage.database import Reader, Writer
from storage.page import Order, contains, page
from storage.tables.account import PersonRow, TeamMemberRow, TeamRow

BY_NAME: Final = Order((TeamRow.name, TeamRow.id))
_Lead = aliased(PersonRow)
_MEMBERS: Final = (
    select(
        func.coalesce(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_object("id", PersonRow.id, "name", PersonRow.name),
                    PersonRow.name,
                )
            ),
            func.jsonb_build_array(),
        )
    )
    .join(TeamMemberRow, TeamMemberRow.person_id == PersonRow.id)
    .where(TeamMemberRow.team_id == TeamRow.id)
    .correlate(TeamRow)
    .scalar_subquery()
)


async def team(reader: Reader | Writer, team_id: UUID) -> Team:
    """Raises NotFound."""
    row = (await reader.execute(_teams().where(TeamRow.id == team_id))).one_or_none()
    if row is None:
        raise not_found()
    return _team(row)


async def teams(
    reader: Reader, *, name: str | None, q: str | None, after: Sequence[Any] | None, size: int
) -> list[Team]:
    statement = _teams()
    if name is not None:
        statement = statement.where(func.lower(TeamRow.name) == func.lower(name))
    if q is not None:
        statement = statement.where(contains(TeamRow.name, q))
    return [_team(row) for row in await reader.execute(page(statement, BY_NAME, after, size))]


async def create_team(writer: Writer, fields: Mapping[str, Any], members: Sequence[UUID]) -> Team:
    """Raises Conflict `name_taken` and Invalid for an unknown lead or member."""
    team_id = uuid4()
    async with refusals():
        await writer.execute(insert(TeamRow).values(id=team_id, **fields))
        await _set_members(writer, team_id, members)
    await outbox.put(writer, "capacity", str(team_id), {})
    return await team(writer, team_id)


async def update_team(
    writer: Writer,
    team_id: UUID,
    changes: Mapping[str, Any],
    members: Sequence[UUID] | None,
    expected_version: int | None,
) -> Team:
    """Raises NotFound, StaleVersion, Conflict and Invalid."""
    version = await writer.scalar(select(TeamRow.version).where(TeamRow.id == team_id).with_for_update())
    if version is None:
        raise not_found()
    check_version(expected_version, version)
    values = {**changes, "version": version + 1, "updated_at": func.now()}
    async with refusals():
        await writer.execute(update(TeamRow).where(TeamRow.id == team_id).values(values))
        if members is not None:
            await writer.execute(delete(TeamMemberRow).where(TeamMemberRow.team_id == team_id))
            await _set_members(writer, team_id, members)
    await outbox.put(writer, "capacity", str(team_id), {})
    return await team(writer, team_id)


def _teams() -> Select[Any]:
    return select(*TeamRow.__table__.columns, _Lead.name.label("lead_name"), _MEMBERS.label("members")).join(
        _Lead, _Lead.id == TeamRow.lead_id, isouter=True
    )


def _team(row: Row[Any]) -> Team:
    return Team(
        id=row.id,
        name=row.name,
        lead=Ref.of(row.lead_id, row.lead_name),
        categories=tuple(row.categories),
        members=tuple(Ref(**member) for member in row.members),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def _set_members(writer: Writer, team_id: UUID, members: Sequence[UUID]) -> None:
    if members:
        values = [{"team_id": team_id, "person_id": member} for member in sorted(set(members))]
        await writer.execute(insert(TeamMemberRow).values(values))
