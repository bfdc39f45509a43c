"""The effects of a ticket process: its changes in the database."""

from typing import TYPE_CHECKING

from temporalio import activity

from activities.failure import translated
from domain.ticket.messages import Change, Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from storage.database import Database, Writer


class TicketActivities:
    """`commit_change` is `storage.ticket.commit.commit`; `mail` says whether mails can be sent; `count` is told
    of every commit that was made."""

    def __init__(
        self,
        database: "Database",
        commit_change: "Callable[[Writer, Change, bool], Awaitable[Outcome]]",
        *,
        mail: bool,
        count: "Callable[[Change, Outcome], None]" = lambda change, outcome: None,
    ) -> None:
        self._database = database
        self._commit_change = commit_change
        self._mail = mail
        self._count = count

    @activity.defn(name="commit_ticket")
    @translated
    async def commit(self, change: Change) -> Outcome:
        """Commits a change and gives the facts that it wanted.

        Running twice writes once: the second time finds the event number taken and gives the state that holds.
        """
        async with self._database.writing() as writer:
            outcome = await self._commit_change(writer, change, self._mail)
        self._count(change, outcome)
        return outcome
