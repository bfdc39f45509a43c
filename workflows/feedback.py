"""The life of a feedback item, from the day somebody says it to the day all have heard what became of it, as one
durable process; and the telling of a turn to more people than fit into one transaction.

As with tickets, what is decided is computed by `domain/feedback/process.py` and committed by
`activities/feedback.py`, one transaction a decision. The process sleeps on one timer, set to the nearest of all
deadlines: steps of ladders, effect checks, closing, the end. Votes do not come here: they are rows, and the process
hears of them when the priority changes.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.failure import as_application_error
from activities.feedback import FeedbackActivities
from domain.errors import DeskError
from domain.feedback import process
from domain.feedback.messages import Act, Change, FeedbackInput, News, TellInput
from domain.feedback.state import FeedbackState
from domain.repetition import Seen, key_reused
from domain.ticket.messages import Committed, ProcessView
from domain.ticket.process import moving
from workflows import durable

SUBMITTED: Final = "submitted"
ACT: Final = "act"
DESCRIBE: Final = "describe"
"""The updates and the query by name, for those who call them."""

_RETRY: Final = RetryPolicy(maximum_interval=timedelta(seconds=30))


@workflow.defn(name="Feedback", failure_exception_types=[DeskError])
class FeedbackWorkflow:
    """`_state` is None until the item is committed; all later changes go through `_commit`, under the lock."""

    @workflow.init
    def __init__(self, start: FeedbackInput) -> None:
        self._start = start
        self._state: FeedbackState | None = start.state
        self._deadline: datetime | None = None if start.state is None else process.next_deadline(start.state)
        self._news: list[News] = list(start.news)
        self._lock = asyncio.Lock()
        self._moving = False

    @workflow.run
    async def run(self, start: FeedbackInput) -> None:
        await self._submit()
        while not process.is_finished(self._now_state(), workflow.now()):
            await self._until_something_happens()
            self._moving = durable.wants_a_new_run(start.history_limit)
            await self._consider_news()
            await self._settle()
            if self._moving:
                await durable.continue_as_new(self._next_run)
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.update(name=SUBMITTED)
    async def submitted(self, fingerprint: str) -> Committed:
        """Answers when the item is committed; refuses another body under the same key."""
        await workflow.wait_condition(lambda: self._state is not None)
        state = self._now_state()
        if state.fingerprint != fingerprint:
            raise as_application_error(key_reused())
        return Committed(version=state.event_number)

    @workflow.update(name=ACT)
    async def act(self, act: Act) -> Committed:
        """Carries out one action, once for its request id, and answers when it is committed."""
        await workflow.wait_condition(lambda: self._state is not None)
        async with self._lock:
            while (seen := self._seen(act)) is None:
                if await self._commit(process.acted(self._now_state(), act, workflow.now()), pinned=True):
                    return Committed(version=self._now_state().event_number)
        return Committed(version=seen.version)

    @act.validator
    def check_act(self, act: Act) -> None:
        """A refused action costs no event. What passes is checked again under the lock. A run that is about to end
        takes nothing more."""
        if self._moving:
            raise as_application_error(moving())
        if self._state is not None and not self._lock.locked():
            self._seen(act)

    @workflow.signal(name="consider")
    def consider(self, news: News) -> None:
        """A fact from outside; taken up by the process itself, and never an error."""
        if news not in self._news:
            self._news.append(news)

    @workflow.query(name=DESCRIBE)
    def describe(self) -> ProcessView:
        info, state = workflow.info(), self._state
        return ProcessView(
            workflow_id=info.workflow_id,
            run_id=info.run_id,
            state="submitting" if state is None else state.status,
            event_number=0 if state is None else state.event_number,
            timers=[] if state is None else process.timers(state),
            pending_handlers=int(self._lock.locked()),
            history_length=info.get_current_history_length(),
            continued_runs=0 if state is None else state.runs,
        )

    def _seen(self, act: Act) -> Seen | None:
        """What the action made, if it was carried out; refuses one that is not allowed now."""
        try:
            return process.check(self._now_state(), act)
        except DeskError as error:
            raise as_application_error(error) from error

    async def _submit(self) -> None:
        if self._state is None:
            assert self._start.submit is not None
            async with self._lock:
                await self._commit(process.submitted(self._start.submit, workflow.now()))

    async def _until_something_happens(self) -> None:
        """One timer, set to the nearest deadline, and set anew only when the nearest deadline moves."""
        armed = self._deadline
        left = None if armed is None else armed - workflow.now()
        try:
            await workflow.wait_condition(
                lambda: (
                    bool(self._news)
                    or self._deadline != armed
                    or durable.wants_a_new_run(self._start.history_limit)
                ),
                timeout=left,
                timeout_summary=None if armed is None else f"due {armed.isoformat()}",
            )
        except TimeoutError:
            return

    async def _settle(self) -> None:
        """Fires what is due, unless a handler did so in the meantime."""
        async with self._lock:
            now = workflow.now()
            if self._deadline is not None and self._deadline <= now:
                await self._commit(process.settled(self._now_state(), now))

    async def _consider_news(self) -> None:
        while self._news:
            async with self._lock:
                change = process.considered(self._now_state(), self._news[0], workflow.now())
                if await self._commit(change):
                    self._news.pop(0)

    async def _commit(self, change: Change, *, pinned: bool = False) -> bool:
        """Writes a change and makes its state ours. False if the database was ahead: then its state is ours
        now, and whoever calls decides again from there. Runs under the lock.
        """
        if not change.wants and process.is_empty(change):
            return True
        outcome = await durable.commit(FeedbackActivities.commit, change, pinned=pinned)
        if outcome.state is not None:
            self._take(outcome.state)
            return False
        if outcome.facts is not None:
            change = process.with_facts(change, outcome.facts)
        if not process.is_empty(change):
            self._take(change.state)
        return True

    def _take(self, state: FeedbackState) -> None:
        self._state = state
        self._deadline = process.next_deadline(state)

    def _now_state(self) -> FeedbackState:
        assert self._state is not None
        return self._state

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
