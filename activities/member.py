"""The effect of a member's process: what is new is counted."""

from typing import TYPE_CHECKING

from temporalio import activity

from activities.failure import translated
from domain.member.record import Advance, Advanced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from storage.database import Database, Writer


class MemberActivities:
    """`advance` is `storage.member.commit.advance`; `mail` says whether mails can be sent."""

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

    @activity.defn(name="advance_member")
    @translated
    async def advance(self, wanted: Advance) -> Advanced:
        """Counts the facts that are new. Running twice finds them counted, and takes those that came since."""
        async with self._database.writing() as writer:
            return await self._advance(writer, wanted, self._mail)
