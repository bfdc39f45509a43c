"""The life of a ticket, from opening to the day it can no longer be reopened, as one durable process.

The process owns what happens when: status, clocks, ladder position, what is due next. What it decides is
computed by `domain/ticket/process.py`, what it decided is committed by `activities/ticket.py`, one transaction
a decision. It sleeps on one timer, set to the nearest of all deadlines.
"""

import asyncio
from datetime import datetime
from typing import Any, Final

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair

from activities.failure import as_application_error
from activities.ticket import TicketActivities
from domain.errors import DeskError
from domain.repetition import Seen, key_reused
from domain.ticket import process
from domain.ticket.fields import Priority
from domain.ticket.messages import (
    Act,
    Change,
    Committed,
    ProcessView,
    Reconsider,
    TicketInput,
)
from domain.ticket.state import TicketState
from workflows import durable

OPENED: Final = "opened"
ACT: Final = "act"
DESCRIBE: Final = "describe"
"""The updates and the query by name, for those who call them."""

PHASE = SearchAttributeKey.for_keyword("DuradeskPhase")
PRIORITY = SearchAttributeKey.for_keyword("DuradeskPriority")
BREACHED = SearchAttributeKey.for_bool("DuradeskBreached")


@workflow.defn(name="Ticket", failure_exception_types=[DeskError])
class TicketWorkflow:
    """`_state` is None until the ticket is committed; all later changes go through `_commit`, under the lock."""

    @workflow.init
    def __init__(self, start: TicketInput) -> None:
        self._start = start
        self._state: TicketState | None = start.state
        self._deadline: datetime | None = None if start.state is None else process.next_deadline(start.state)
        self._news: list[Reconsider] = list(start.news)
        self._lock = asyncio.Lock()
        self._moving = False

    @workflow.run
    async def run(self, start: TicketInput) -> None:
        await self._open()
        while not process.is_finished(self._now_state(), workflow.now()):
            await self._until_something_happens()
            self._moving = durable.wants_a_new_run(start.history_limit)
            await self._consider_news()
            await self._settle()
            if self._moving:
                await durable.continue_as_new(self._next_run)
        await workflow.wait_condition(workflow.all_handlers_finished)

    @workflow.update(name=OPENED)
    async def opened(self, fingerprint: str) -> Committed:
        """Answers when the ticket is committed; refuses another body under the same key."""
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
                # What changes nothing is not remembered either: the same request may come again to no effect.
                if await self._commit(process.acted(self._now_state(), act, workflow.now()), pinned=True):
                    return Committed(version=self._now_state().event_number)
        return Committed(version=seen.version)

    @act.validator
    def check_act(self, act: Act) -> None:
        """A refused action costs no event. What passes is checked again under the lock.

        A run that is about to end takes nothing more: under a constant stream of actions there would never be
        a moment without a handler, and its history would grow until the server ends it.
        """
        if self._moving:
            raise as_application_error(process.moving())
        if self._state is not None and not self._lock.locked():
            self._seen(act)

    @workflow.signal(name="reconsider")
    def reconsider(self, message: Reconsider) -> None:
        """A fact from outside; taken up by the process itself, and never an error."""
        if message not in self._news:
            self._news.append(message)

    @workflow.query(name=DESCRIBE)
    def describe(self) -> ProcessView:
        info, state = workflow.info(), self._state
        return ProcessView(
            workflow_id=info.workflow_id,
            run_id=info.run_id,
            state="opening" if state is None else state.status,
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

    async def _open(self) -> None:
        if self._state is None:
            assert self._start.open is not None
            async with self._lock:
                await self._commit(process.opened(self._start.open, workflow.now()))

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
                change = process.reconsidered(self._now_state(), self._news[0], workflow.now())
                if await self._commit(change):
                    self._news.pop(0)

    async def _commit(self, change: Change, *, pinned: bool = False) -> bool:
        """Writes a change and makes its state ours. False if the database was ahead: then its state is ours
        now, and whoever calls decides again from there. Runs under the lock.
        """
        if not change.wants and process.is_empty(change):
            return True
        outcome = await durable.commit(TicketActivities.commit, change, pinned=pinned)
        if outcome.state is not None:
            self._take(outcome.state)
            return False
        if outcome.facts is not None:
            change = process.with_facts(change, outcome.facts)
        if not process.is_empty(change):
            self._take(change.state)
        return True

    def _take(self, state: TicketState) -> None:
        before, self._state = self._state, state
        self._deadline = process.next_deadline(state)
        _show(before, state)

    def _now_state(self) -> TicketState:
        assert self._state is not None
        return self._state

    def _next_run(self) -> TicketInput:
        state = self._now_state()
        return TicketInput(
            ticket_id=state.id,
            state=state.model_copy(update={"runs": state.runs + 1}),
            history_limit=self._start.history_limit,
            news=self._news,
        )


def _show(before: TicketState | None, after: TicketState) -> None:
    """Keeps the search attributes of Temporal's own lists: one call, and only for what differs."""
    known = _starting(after.priority) if before is None else _attributes(before)
    updates = [key.value_set(value) for key, value in _attributes(after).items() if known[key] != value]
    if updates:
        workflow.upsert_search_attributes(updates)


def _attributes(state: TicketState) -> dict[SearchAttributeKey[Any], str | bool]:
    """What an operator looks for in Temporal's lists. It is coarse on purpose: each upsert costs an event and a
    row of Temporal's visibility store, and everything else is answered by our own database."""
    phase = "active" if state.active else str(state.status)
    return {PHASE: phase, PRIORITY: str(state.priority), BREACHED: state.breached}


def starting_attributes(start: TicketInput) -> list[SearchAttributePair[Any]]:
    """The search attributes that a ticket starts with; they cost nothing there."""
    assert start.open is not None
    return [SearchAttributePair(key, value) for key, value in _starting(start.open.priority).items()]


def _starting(priority: Priority) -> dict[SearchAttributeKey[Any], str | bool]:
    return {PHASE: "active", PRIORITY: str(priority), BREACHED: False}
