"""Effects of changed promises: the open tickets are told to look again."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

from temporalio import activity

from activities.failure import translated
from activities.reconsider import send_all
from domain.sla.rollout import RolloutInput
from domain.ticket.messages import Reconsider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from temporalio.client import Client

    from storage.database import Database, Reader

PAGE: Final = 200


class SlaActivities:
    """`active_tickets` gives the ids of open tickets behind an id, in order, a page at a time."""

    def __init__(
        self,
        database: "Database",
        client: "Client",
        active_tickets: "Callable[[Reader, UUID | None, int], Awaitable[list[UUID]]]",
        *,
        page: int = PAGE,
    ) -> None:
        self._database = database
        self._client = client
        self._active_tickets = active_tickets
        self._page = page

    @activity.defn(name="tell_tickets_of_new_promises")
    @translated
    async def tell_tickets(self, start: RolloutInput) -> UUID | None:
        """Signals one page of open tickets; gives the last of them, None when there are no more.

        Running twice signals twice, which says nothing new to a ticket that has looked already.
        """
        async with self._database.reading() as reader:
            page = await self._active_tickets(reader, start.after, self._page)
        await send_all(self._client, page, Reconsider(cause="policy"))
        return page[-1] if len(page) == self._page else None
