"""What a member holds."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from domain.account import Ref
from domain.achievement.record import Award, AwardState
from storage.database import Reader
from storage.page import Order, page
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
