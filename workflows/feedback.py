"""The life of a feedback item, from the day somebody says it to the day all have heard what became of it, as one
durable process; and the telling of a turn to more people than fit into one transaction.

As with tickets, what is decided is computed by `domain/feedback/process.py` and committed by
`activities/feedback.py`, one transaction a decision. The process sleeps on one timer, set to the nearest of all
deadlines: steps of ladders, effect checks, closing, the end. Votes do not come here: they are rows, and the process
hears of them when the priority changes.
"""

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.feedback import FeedbackActivities
from domain.errors import DeskError
from domain.feedback import process
from domain.feedback.messages import Act, Change, FeedbackInput, News, TellInput
from domain.feedback.state import FeedbackState
from domain.process import Committed
from workflows import durable
from workflows.process import Deciding, Decisions

SUBMITTED: Final = "submitted"
ACT: Final = "act"
"""The updates by name, for those who call them."""

_RETRY: Final = RetryPolicy(maximum_interval=timedelta(seconds=30))


@workflow.defn(name="Feedback", failure_exception_types=[DeskError])
class FeedbackWorkflow(Deciding[FeedbackState, Change, Act, News]):
    _beginning = "submitting"
    _decisions = Decisions(
        check=lambda state, act, now: process.check(state, act),
        acted=process.acted,
        settled=process.settled,
        considered=process.considered,
        with_facts=process.with_facts,
        is_empty=process.is_empty,
        is_finished=process.is_finished,
        next_deadline=process.next_deadline,
        timers=process.timers,
        commit=FeedbackActivities.commit,
    )

    @workflow.init
    def __init__(self, start: FeedbackInput) -> None:
        super().__init__(start.state, start.news, start.history_limit)
        self._start = start

    @workflow.run
    async def run(self, start: FeedbackInput) -> None:
        await self._live(self._submitted, self._next_run)

    @workflow.update(name=SUBMITTED)
    async def submitted(self, fingerprint: str) -> Committed:
        """Answers when the item is committed; refuses another body under the same key."""
        return await self._begun(fingerprint)

    @workflow.update(name=ACT)
    async def act(self, act: Act) -> Committed:
        """Carries out one action, once for its request id, and answers when it is committed."""
        return await self._carry_out(act)

    @act.validator
    def check_act(self, act: Act) -> None:
        self._check(act)

    @workflow.signal(name="consider")
    def consider(self, news: News) -> None:
        """A fact from outside."""
        self._hear(news)

    def _submitted(self) -> Change:
        assert self._start.submit is not None
        return process.submitted(self._start.submit, workflow.now())

    def _next_run(self) -> FeedbackInput:
        state = self._now_state()
        return FeedbackInput(
            feedback_id=state.id,
            state=state.model_copy(update={"runs": state.runs + 1}),
            history_limit=self._start.history_limit,
            news=self._news,
        )


@workflow.defn(name="Telling")
class TellingWorkflow:
    """One turn, page by page; how far it came stands in the database."""

    @workflow.run
    async def run(self, start: TellInput) -> None:
        while not await workflow.execute_activity_method(
            FeedbackActivities.tell,
            start,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=_RETRY,
        ):
            if durable.wants_a_new_run(start.history_limit):
                workflow.continue_as_new(start)
