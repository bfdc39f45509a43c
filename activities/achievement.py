"""The effect of a backfill: a page of members is looked at."""

from typing import TYPE_CHECKING
from uuid import UUID

from temporalio import activity

from activities.failure import translated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class AchievementActivities:
    """`look` is `storage.achievement.backfill.Backfills.look`."""

    def __init__(self, look: "Callable[[UUID], Awaitable[bool]]") -> None:
        self._look = look

    @activity.defn(name="look_for_achievement")
    @translated
    async def look(self, backfill_id: UUID) -> bool:
        """Looks at the next members and says whether there may be more. Running twice looks at the page behind, which
        has to be looked at anyway."""
        return await self._look(backfill_id)
