"""The effect of a member's process: what is new is counted."""

from temporalio import activity

from activities.committing import Committing
from activities.failure import translated
from domain.member.record import Advance, Advanced


class MemberActivities(Committing[Advance, Advanced]):
    """Its step is `storage.member.commit.advance`, with whether mails can be sent."""

    @activity.defn(name="advance_member")
    @translated
    async def advance(self, wanted: Advance) -> Advanced:
        """Counts the facts that are new. Running twice finds them counted, and takes those that came since."""
        return await self._commit(wanted)
