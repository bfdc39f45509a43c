"""A survey: asks, reminds and closes at the time that each person has, and tells of tasks that are late, as one durable
process.

What it decides is computed by `domain/survey` and committed by `activities/survey.py`, many people in one
transaction. It sleeps until the nearest of all times; whoever adds an earlier one wakes it. It ends when nothing was
to be done for a day: the database has everything, and the next resolution starts it again.
"""

from temporalio import workflow

from activities.survey import SurveyActivities
from domain.errors import DeskError
from domain.survey.messages import Advance, Advanced, SurveyInput, SurveyState
from workflows import durable
from workflows.process import Advancing


@workflow.defn(name="Survey", failure_exception_types=[DeskError])
class SurveyWorkflow(Advancing[SurveyInput, SurveyState]):
    @workflow.init
    def __init__(self, start: SurveyInput) -> None:
        super().__init__(start, start.state or SurveyState(survey_id=start.survey_id))

    @workflow.run
    async def run(self, start: SurveyInput) -> None:
        await self._take()
        while await self._something_happens():
            await self._take()

    async def _advance(self) -> Advanced:
        wanted = Advance(survey_id=self._start.survey_id, now=workflow.now())
        return await durable.commit(SurveyActivities.advance, wanted, pinned=False)

    async def _something_happens(self) -> bool:
        """False when time passed, and there is nothing to wait for. What falls due within a moment is done together."""
        now, next_at = workflow.now(), self._state.next_at
        until = now + self._start.linger if next_at is None else max(next_at, now + self._start.together)
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=until - now)
        except TimeoutError:
            return next_at is not None
        return True
