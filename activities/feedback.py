"""The effects of a feedback process: its changes in the database, and telling those who follow it."""

from typing import TYPE_CHECKING
from uuid import UUID

from temporalio import activity

from activities.committing import Committing
from activities.failure import translated
from domain.feedback.messages import Change, Outcome, TellInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from storage.database import Database, Writer


class FeedbackActivities(Committing[Change, Outcome]):
    """Its step is `storage.feedback.commit.commit`, `tell_page` that of `storage.feedback.telling`; both with whether
    mails can be sent."""

    def __init__(
        self,
        database: "Database",
        commit_change: "Callable[[Writer, Change], Awaitable[Outcome]]",
        tell_page: "Callable[[Writer, UUID, int], Awaitable[bool]]",
    ) -> None:
        super().__init__(database, commit_change)
        self._tell_page = tell_page

    @activity.defn(name="commit_feedback")
    @translated
    async def commit(self, change: Change) -> Outcome:
        """Commits a change and gives the facts that it wanted.

        Running twice writes once: the second time finds the event number taken and gives the state that holds.
        """
        return await self._commit(change)

    @activity.defn(name="tell_followers")
    @translated
    async def tell(self, start: TellInput) -> bool:
        """Tells the next page of a turn; whether that was the last. Running twice tells two pages, nobody twice."""
        async with self._database.writing() as writer:
            return await self._tell_page(writer, start.feedback_id, start.version)
