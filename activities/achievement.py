"""The effects of backfills and claims: a page of members is looked at, what is due about a prize is done."""

from typing import TYPE_CHECKING
from uuid import UUID

from temporalio import activity

from activities.failure import translated
from domain.achievement.claim import ClaimAdvance, ClaimAdvanced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class AchievementActivities:
    """`look` is that of `storage.achievement.backfill.Backfills`, `advance` that of
    `storage.achievement.claim.Claims`."""

    def __init__(
        self,
        look: "Callable[[UUID], Awaitable[bool]]",
        advance: "Callable[[ClaimAdvance], Awaitable[ClaimAdvanced]]",
    ) -> None:
        self._look = look
        self._advance = advance

    @activity.defn(name="look_for_achievement")
    @translated
    async def look(self, backfill_id: UUID) -> bool:
        """Looks at the next members and says whether there may be more. Running twice looks at the page behind, which
        has to be looked at anyway."""
        return await self._look(backfill_id)

    @activity.defn(name="advance_claim")
    @translated
    async def advance(self, wanted: ClaimAdvance) -> ClaimAdvanced:
        """Does what is due about a claim. Running twice finds it done."""
        return await self._advance(wanted)
