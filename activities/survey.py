"""The effect of a survey's process: what is due is done."""

from typing import TYPE_CHECKING

from temporalio import activity

from activities.failure import translated
from domain.survey.messages import Advance, Advanced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from storage.database import Database, Writer


class SurveyActivities:
    """`advance` is `storage.survey.commit.advance`; `mail` says whether mails can be sent."""

    def __init__(
        self,
        database: "Database",
        advance: "Callable[[Writer, Advance, bool], Awaitable[Advanced]]",
        *,
        mail: bool,
    ) -> None:
        self._database = database
        self._advance = advance
        self._mail = mail

    @activity.defn(name="advance_survey")
    @translated
    async def advance(self, wanted: Advance) -> Advanced:
        """Asks, reminds and closes what is due. Running twice finds it done, and does what fell due since."""
        async with self._database.writing() as writer:
            return await self._advance(writer, wanted, self._mail)
