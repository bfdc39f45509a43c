"""What a member holds."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from domain.account import Ref
from domain.achievement.badge import Badge
from domain.achievement.criteria import read
from domain.achievement.record import Award, AwardState
from domain.authorization import not_found
from storage.database import Reader
from storage.page import Order, page
from storage.tables.account import PersonRow
from storage.tables.achievement import AchievementRow, AwardRow

NEWEST_FIRST: Final = Order((AwardRow.awarded_at, AwardRow.id), descending=True)


async def awards(
    reader: Reader, member_id: UUID, *, revoked: bool, after: Sequence[Any] | None, size: int
) -> list[Award]:
    """With those that were taken back only if `revoked`."""
    statement: Any = (
        select(*AwardRow.__table__.columns, AchievementRow.name, AchievementRow.description)
        .join(AchievementRow, AchievementRow.id == AwardRow.achievement_id)
        .where(AwardRow.member_id == member_id)
    )
    if not revoked:
        statement = statement.where(AwardRow.state == AwardState.HELD)
    return [_award(row) for row in await reader.execute(page(statement, NEWEST_FIRST, after, size))]


async def badge(reader: Reader, member_id: UUID, award_id: UUID) -> Badge:
    """An award that is held. Raises NotFound."""
    statement = (
        select(
            AwardRow.awarded_at,
            AwardRow.achievement_id,
            AchievementRow.name,
            AchievementRow.description,
            AchievementRow.criteria,
            PersonRow.email,
        )
        .join(AchievementRow, AchievementRow.id == AwardRow.achievement_id)
        .join(PersonRow, PersonRow.id == AwardRow.member_id)
        .where(AwardRow.id == award_id, AwardRow.member_id == member_id, AwardRow.state == AwardState.HELD)
    )
    row = (await reader.execute(statement)).one_or_none()
    if row is None:
        raise not_found()
    return Badge(
        award_id=award_id,
        member_id=member_id,
        email=row.email,
        achievement_id=row.achievement_id,
        name=row.name,
        description=row.description,
        criteria=read(row.criteria),
        awarded_at=row.awarded_at,
    )


def _award(row: Any) -> Award:
    return Award(
        id=row.id,
        achievement=Ref(id=row.achievement_id, name=row.name),
        description=row.description,
        occurrence=row.occurrence,
        reward=row.reward,
        state=row.state,
        awarded_at=row.awarded_at,
        revoked_at=row.revoked_at,
        expires_at=row.expires_at,
    )
