"""The life of a ticket, from opening to the day it can no longer be reopened, as one durable process.

The process owns what happens when: status, clocks, ladder position, what is due next. What it decides is
computed by `domain/ticket/process.py`, what it decided is committed by `activities/ticket.py`, one transaction
a decision. It sleeps on one timer, set to the nearest of all deadlines.
"""

from typing import Any, Final

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair

from activities.ticket import TicketActivities
from domain.errors import DeskError
from domain.process import Committed
from domain.ticket import process
from domain.ticket.fields import Priority
from domain.ticket.messages import Act, Change, Reconsider, TicketInput
from domain.ticket.state import TicketState
from workflows.process import Deciding, Decisions

OPENED: Final = "opened"
ACT: Final = "act"
"""The updates by name, for those who call them."""

PHASE = SearchAttributeKey.for_keyword("DuradeskPhase")
PRIORITY = SearchAttributeKey.for_keyword("DuradeskPriority")
BREACHED = SearchAttributeKey.for_bool("DuradeskBreached")


@workflow.defn(name="Ticket", failure_exception_types=[DeskError])
class TicketWorkflow(Deciding[TicketState, Change, Act, Reconsider]):
    _beginning = "opening"
    _decisions = Decisions(
        check=lambda state, act, now: process.check(state, act),
        acted=process.acted,
        settled=process.settled,
        considered=process.reconsidered,
        with_facts=process.with_facts,
        is_empty=process.is_empty,
        is_finished=process.is_finished,
        next_deadline=process.next_deadline,
        timers=process.timers,
        commit=TicketActivities.commit,
    )

    @workflow.init
    def __init__(self, start: TicketInput) -> None:
        super().__init__(start.state, start.news, start.history_limit)
        self._start = start

    @workflow.run
    async def run(self, start: TicketInput) -> None:
        await self._live(self._opened, self._next_run)

    @workflow.update(name=OPENED)
    async def opened(self, fingerprint: str) -> Committed:
        """Answers when the ticket is committed; refuses another body under the same key."""
        return await self._begun(fingerprint)

    @workflow.update(name=ACT)
    async def act(self, act: Act) -> Committed:
        """Carries out one action, once for its request id, and answers when it is committed."""
        return await self._carry_out(act)

    @act.validator
    def check_act(self, act: Act) -> None:
        self._check(act)

    @workflow.signal(name="reconsider")
    def reconsider(self, message: Reconsider) -> None:
        """A fact from outside."""
        self._hear(message)

    def _opened(self) -> Change:
        assert self._start.open is not None
        return process.opened(self._start.open, workflow.now())

    def _take(self, state: TicketState) -> None:
        before = self._state
        super()._take(state)
        _show(before, state)

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
