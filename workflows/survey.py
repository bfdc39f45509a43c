"""A survey: asks, reminds and closes at the time that each person has, and tells of tasks that are late, as one durable
process.

What it decides is computed by `domain/survey` and committed by `activities/survey.py`, many people in one
transaction. It sleeps until the nearest of all times; whoever adds an earlier one wakes it. It ends when nothing was
to be done for a day: the database has everything, and the next resolution starts it again.
"""

from typing import Final

from temporalio import workflow

from activities.survey import SurveyActivities
from domain.errors import DeskError
from domain.survey.messages import Advance, SurveyInput, SurveyState
from domain.ticket.messages import OpenTimer, ProcessView
from workflows import durable

WAKE: Final = "wake"
DESCRIBE: Final = "describe"
"""The signal and the query by name, for those who call them."""


@workflow.defn(name="Survey", failure_exception_types=[DeskError])
class SurveyWorkflow:
    @workflow.init
    def __init__(self, start: SurveyInput) -> None:
        self._start = start
        self._state = start.state or SurveyState(survey_id=start.survey_id)
        self._woken = False

    @workflow.run
    async def run(self, start: SurveyInput) -> None:
        await self._take()
        while await self._something_happens():
            await self._take()

    @workflow.signal(name=WAKE)
    def wake(self) -> None:
        """There is something new. It may have been seen already."""
        self._woken = True

    @workflow.query(name=DESCRIBE)
    def describe(self) -> ProcessView:
        info, state = workflow.info(), self._state
        due = [] if state.next_at is None else [OpenTimer(name="next", due_at=state.next_at)]
        return ProcessView(
            workflow_id=info.workflow_id,
            run_id=info.run_id,
            state="taking" if self._woken else "waiting",
            event_number=state.event_number,
            timers=due,
            pending_handlers=0,
            history_length=info.get_current_history_length(),
            continued_runs=self._start.runs,
        )

    async def _take(self) -> None:
        """All that is due."""
        more = True
        while more:
            self._woken = False
            wanted = Advance(survey_id=self._start.survey_id, now=workflow.now())
            done = await durable.commit(SurveyActivities.advance, wanted, pinned=False)
            self._state = done.state
            if durable.wants_a_new_run(self._start.history_limit):
                await durable.continue_as_new(self._next_run)
            more = done.more or self._woken

    async def _something_happens(self) -> bool:
        """False when time passed, and there is nothing to wait for. What falls due within a moment is done together."""
        now, next_at = workflow.now(), self._state.next_at
        until = now + self._start.linger if next_at is None else max(next_at, now + self._start.together)
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=until - now)
        except TimeoutError:
            return next_at is not None
        return True

    def _next_run(self) -> SurveyInput:
        return self._start.model_copy(update={"state": self._state, "runs": self._start.runs + 1})
