"""Members as they are read: one with its points, its ledger, and leaderboards."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.authorization import not_found
from domain.member.ledger import Entry
from domain.member.record import (
    LevelReached,
    Member,
    Score,
    Standing,
    Window,
    begin_of,
    next_level,
    standings,
)
from storage.database import Reader, Writer
from storage.member.rules import rules
from storage.page import Order, page
from storage.tables.account import PersonRow
from storage.tables.member import (
    MemberLevelRow,
    MemberPointRow,
    MemberRow,
    MemberScoreCountRow,
    MemberScoreRow,
)

NEWEST_FIRST: Final = Order((MemberPointRow.id,), descending=True)
HIGHEST_FIRST: Final = Order((MemberScoreRow.points, MemberScoreRow.member_id), descending=True)


async def member(reader: Reader | Writer, person_id: UUID) -> Member:
    """Everybody is one, with no points before their first fact. Raises NotFound for nobody."""
    statement = (
        select(
            PersonRow.id,
            PersonRow.name,
            func.coalesce(MemberRow.points, 0).label("points"),
            func.coalesce(MemberRow.listed, True).label("listed"),
            MemberRow.wanted_since,
        )
        .outerjoin(MemberRow, MemberRow.person_id == PersonRow.id)
        .where(PersonRow.id == person_id)
    )
    row = (await reader.execute(statement)).one_or_none()
    if row is None:
        raise not_found()
    reached = select(MemberLevelRow).where(MemberLevelRow.member_id == person_id)
    levels = (await reader.scalars(reached.order_by(MemberLevelRow.reached_at))).all()
    worth = await rules(reader)
    return Member(
        id=row.id,
        name=row.name,
        points=row.points,
        level=worth.level(row.points),
        next_level=next_level(worth, row.points),
        rank=await _rank(reader, row.points) if row.listed and row.points > 0 else None,
        listed=row.listed,
        levels=tuple(LevelReached(name=one.name, reached_at=one.reached_at) for one in levels),
        pending=row.wanted_since is not None,
    )


async def _rank(reader: Reader | Writer, points: int) -> int:
    higher = (MemberScoreCountRow.points > points, MemberScoreCountRow.members > 0)
    return 1 + (await reader.scalar(select(func.count()).where(*higher)) or 0)


async def is_listed(reader: Reader | Writer, person_id: UUID) -> bool:
    """Raises NotFound for nobody."""
    statement = (
        select(func.coalesce(MemberRow.listed, True))
        .select_from(PersonRow)
        .outerjoin(MemberRow, MemberRow.person_id == PersonRow.id)
        .where(PersonRow.id == person_id)
    )
    listed = await reader.scalar(statement)
    if listed is None:
        raise not_found()
    return bool(listed)


async def ledger(reader: Reader, person_id: UUID, *, after: Sequence[Any] | None, size: int) -> list[Entry]:
    """What was written last comes first."""
    statement = select(*MemberPointRow.__table__.columns).where(MemberPointRow.member_id == person_id)
    rows = (await reader.execute(page(statement, NEWEST_FIRST, after, size))).all()
    return [Entry.model_validate(row) for row in rows]


async def leaderboard(
    reader: Reader, window: Window, today: date, *, after: tuple[int, int, UUID] | None, size: int
) -> list[Standing]:
    """Who is listed and has points in the window that `today` is in; `after` are rank, points and id of the last one
    of the page before."""
    columns: Any = select(
        MemberScoreRow.member_id, MemberScoreRow.points, PersonRow.name, MemberRow.points.label("total")
    )
    statement = (
        columns.join(PersonRow, PersonRow.id == MemberScoreRow.member_id)
        .join(MemberRow, MemberRow.person_id == MemberScoreRow.member_id)
        .where(
            MemberScoreRow.span == window,
            MemberScoreRow.begin == begin_of(window, today),
            MemberScoreRow.listed,
            MemberScoreRow.points > 0,
        )
    )
    rows = await reader.execute(page(statement, HIGHEST_FIRST, None if after is None else after[1:], size))
    scores = [Score(row.member_id, row.name, row.points, row.total) for row in rows]
    return standings(scores, await rules(reader), None if after is None else after[:2])


async def list_member(writer: Writer, person_id: UUID, *, listed: bool) -> None:
    """Shows somebody on leaderboards, or no longer. Their process goes on as before."""
    await writer.execute(upsert(MemberRow).values(person_id=person_id).on_conflict_do_nothing())
    of = MemberRow.person_id == person_id
    row = (await writer.execute(select(MemberRow.listed, MemberRow.points).where(of).with_for_update())).one()
    if row.listed == listed:
        return
    await writer.execute(update(MemberRow).where(of).values(listed=listed))
    mine = update(MemberScoreRow).where(MemberScoreRow.member_id == person_id)
    await writer.execute(mine.values(listed=listed))
    if row.points > 0:
        moved = upsert(MemberScoreCountRow).values(points=row.points, members=1 if listed else -1)
        counted = {"members": MemberScoreCountRow.members + moved.excluded.members}
        await writer.execute(moved.on_conflict_do_update(index_elements=["points"], set_=counted))
