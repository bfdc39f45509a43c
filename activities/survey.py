"""The effect of a survey's process: what is due is done."""

from temporalio import activity

from activities.committing import Committing
from activities.failure import translated
from domain.survey.messages import Advance, Advanced


class SurveyActivities(Committing[Advance, Advanced]):
    """Its step is `storage.survey.commit.advance`, with whether mails can be sent."""

    @activity.defn(name="advance_survey")
    @translated
    async def advance(self, wanted: Advance) -> Advanced:
        """Asks, reminds and closes what is due. Running twice finds it done, and does what fell due since."""
        return await self._commit(wanted)
