"""The life of a contest, from its draft to its prizes or its cancellation, as one durable process.

As with tickets, what is decided is computed by `domain/contest/process.py` and committed by `activities/contest.py`,
one transaction a decision. It opens and closes by its one timer, to the second; nothing is polled. What was due before
an action happens before it. What concerns all entries or all participants goes page by page, a commit each, and
actions pass between the pages.
"""

from typing import Final

from temporalio import workflow

from activities.contest import ContestActivities
from domain.contest import process
from domain.contest.messages import Act, Change, ContestInput, News
from domain.contest.state import ContestState
from domain.errors import DeskError
from domain.process import Committed
from workflows.process import Deciding, Decisions

CREATED: Final = "created"
ACT: Final = "act"
"""The updates by name, for those who call them."""


@workflow.defn(name="Contest", failure_exception_types=[DeskError])
class ContestWorkflow(Deciding[ContestState, Change, Act, News]):
    _beginning = "creating"
    _decisions = Decisions(
        check=process.check,
        acted=process.acted,
        settled=process.settled,
        considered=process.considered,
        with_facts=process.with_facts,
        is_empty=process.is_empty,
        is_finished=lambda state, now: process.is_finished(state),
        next_deadline=process.next_deadline,
        timers=process.timers,
        commit=ContestActivities.commit,
        comes_first=process.is_due,
    )

    @workflow.init
    def __init__(self, start: ContestInput) -> None:
        super().__init__(start.state, start.news, start.history_limit)
        self._start = start

    @workflow.run
    async def run(self, start: ContestInput) -> None:
        await self._live(self._created, self._next_run)

    @workflow.update(name=CREATED)
    async def created(self, fingerprint: str) -> Committed:
        """Answers when the contest is committed; refuses another body under the same key."""
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

    def _created(self) -> Change:
        assert self._start.create is not None
        return process.created(self._start.create, workflow.now())

    def _next_run(self) -> ContestInput:
        state = self._now_state()
        return ContestInput(
            contest_id=state.id,
            state=state.model_copy(update={"runs": state.runs + 1}),
            history_limit=self._start.history_limit,
            news=self._news,
        )
