"""The effect of housekeeping: leftovers of one kind are removed, page by page."""

from typing import TYPE_CHECKING

from temporalio import activity

from activities.failure import translated
from domain.housekeeping import Leftover, Sweep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import datetime


class HousekeepingActivities:
    """`sweepers` remove what ended before an instant; each yields how many it removed, a page at a time."""

    def __init__(self, sweepers: "Mapping[Leftover, Callable[[datetime], AsyncIterator[int]]]") -> None:
        self._sweepers = sweepers

    @activity.defn(name="sweep_leftovers")
    @translated
    async def sweep(self, wanted: Sweep) -> int:
        """How many this attempt removed. Running twice finds nothing more to remove."""
        total = 0
        async for removed in self._sweepers[wanted.leftover](wanted.before):
            total += removed
            activity.heartbeat(total)
        return total
