"""Effects of bulk actions: some tickets at a time, few at once, so that single users are not held up."""

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import UUID

from temporalio import activity

from activities.failure import translated
from domain.errors import DeskError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from domain.bulk import Bulk
    from storage.bulk import Bulks

AT_ONCE: Final = 4
"""Tickets that one bulk action works on at the same time."""


class BulkActivities:
    """`perform` does the action of a bulk to one ticket under a key, as its person and with their rights now."""

    def __init__(self, bulks: "Bulks", perform: "Callable[[Bulk, UUID, str], Awaitable[object]]") -> None:
        self._bulks = bulks
        self._perform = perform

    @activity.defn(name="carry_out_bulk")
    @translated
    async def carry_out(self, bulk_id: UUID) -> bool:
        """Carries out the next items and says whether there may be more.

        Running twice does no ticket twice: an item's key is the same, and the ticket's process remembers it. What
        fails because a part of the desk is away stays pending, and the activity is tried again.
        """
        bulk, items = await self._bulks.next_items(bulk_id)
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(position: int, ticket_id: UUID) -> None:
            async with limit:
                error = await self._refusal(bulk, ticket_id, f"bulk:{bulk_id}:{position}")
                await self._bulks.keep(bulk_id, position, error)
                activity.heartbeat(position)

        outcomes = await asyncio.gather(*(one(*item) for item in items), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        if not items:
            await self._bulks.finish(bulk_id)
        return bool(items)

    async def _refusal(self, bulk: "Bulk", ticket_id: UUID, key: str) -> DeskError | None:
        """Why the ticket did not take the action; None if it did. Raises what a later try may cure."""
        try:
            await self._perform(bulk, ticket_id, key)
        except DeskError as error:
            if error.retryable:
                raise
            return error
        return None
