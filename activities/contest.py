"""The effects of a contest's process: its changes in the database."""

from temporalio import activity

from activities.committing import Committing
from activities.failure import translated
from domain.contest.messages import Change, Outcome


class ContestActivities(Committing[Change, Outcome]):
    """Its step is `storage.contest.commit.commit`, with whether mails can be sent."""

    @activity.defn(name="commit_contest")
    @translated
    async def commit(self, change: Change) -> Outcome:
        """Commits a change and gives the facts that it wanted.

        Running twice writes once: the second time finds the event number taken and gives the state that holds.
        """
        return await self._commit(change)
