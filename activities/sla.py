"""Effects of changed promises: the open tickets, or the open feedback, are told to look again."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

from temporalio import activity

from activities.failure import translated
from activities.reconsider import consider_all, send_all
from domain.feedback.messages import News
from domain.sla.rollout import RolloutInput
from domain.ticket.messages import Reconsider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from temporalio.client import Client

    from storage.database import Database, Reader

PAGE: Final = 200


class SlaActivities:
    """`active_tickets` gives the ids of open tickets behind an id, in order, a page at a time; `open_feedback` those of
    feedback."""

    def __init__(
        self,
        database: "Database",
        client: "Client",
        active_tickets: "Callable[[Reader, UUID | None, int], Awaitable[list[UUID]]]",
        open_feedback: "Callable[[Reader, UUID | None, int], Awaitable[list[UUID]]]",
        *,
        page: int = PAGE,
    ) -> None:
        self._database = database
        self._client = client
        self._open = {"ticket": active_tickets, "feedback": open_feedback}
        self._page = page

    @activity.defn(name="tell_tickets_of_new_promises")
    @translated
    async def tell_tickets(self, start: RolloutInput) -> UUID | None:
        """Signals one page of open tickets or feedback; gives the last of them, None when there are no more.

        Running twice signals twice, which says nothing new to one that has looked already.
        """
        async with self._database.reading() as reader:
            page = await self._open[start.about](reader, start.after, self._page)
        if start.about == "feedback":
            await consider_all(self._client, page, News(cause="policy"))
        else:
            await send_all(self._client, page, Reconsider(cause="policy"))
        return page[-1] if len(page) == self._page else None
