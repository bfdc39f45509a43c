"""Effects of reconciliation: looking at processes, starting lost ones again, noting what was found."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.failure import translated
from domain import ids
from domain.contest.messages import ContestInput
from domain.contest.messages import News as ContestNews
from domain.contest.state import ContestState
from domain.feedback.messages import FeedbackInput, News
from domain.feedback.state import FeedbackState
from domain.process import ProcessView
from domain.queues import PROCESS
from domain.reconciliation import Kind, Of, Page, PageSeen, Totals, compare, is_asked, next_of
from domain.ticket.messages import Reconsider, TicketInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from uuid import UUID

    from domain.ticket.state import TicketState
    from storage.database import Database

    State = TicketState | FeedbackState | ContestState

SIZE: Final = 200
_AT_ONCE: Final = 8
_ANSWER_WITHIN: Final = timedelta(seconds=10)


class ReconciliationActivities:
    """`stores` are the modules `reconciliation` of storage; `size` tickets, items or contests make a page."""

    def __init__(
        self, database: "Database", client: Client, stores: "Mapping[Of, ModuleType]", size: int = SIZE
    ) -> None:
        self._size = size
        self._database = database
        self._client = client
        self._stores = stores
        self._store = stores["ticket"]

    @activity.defn(name="reconcile_page")
    @translated
    async def page(self, page: Page) -> PageSeen:
        """Compares one page of one kind with their processes. Running twice finds what is still wrong."""
        now = datetime.now(UTC)
        if page.after is None and page.of == "ticket":
            async with self._database.writing() as writer:
                await self._store.wake_late(writer, now)
        store = self._stores[page.of]
        async with self._database.reading() as reader:
            last, states = await store.with_process(reader, page.after, self._size, now)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def look(state: "State") -> tuple["State", Kind | None]:
            async with limit:
                found = await self._look(page.of, store, state, ask=is_asked(state.id, page))
                activity.heartbeat()
                return state, found

        seen = await asyncio.gather(*(look(state) for state in states))
        await self._keep(page.of, seen, now)
        if page.of == "ticket":
            await self._catch_up([state.id for state in states])
        then = next_of(page.of) if last is None else None
        kinds = [kind for _, kind in seen]
        totals = Totals(
            checked=len(seen),
            asked=sum(is_asked(state.id, page) for state in states),
            lost=kinds.count(Kind.LOST),
            behind=kinds.count(Kind.BEHIND),
            ahead=kinds.count(Kind.AHEAD),
        )
        return PageSeen(last=last, then=then, totals=totals)

    @activity.defn(name="repeat_requests")
    @translated
    async def repeat(self) -> None:
        """Asks the durable side again for what a lost store may have forgotten; what was done is not done twice."""
        async with self._database.writing() as writer:
            await self._store.repeat_requests(writer)

    async def _look(self, of: Of, store: "ModuleType", state: "State", *, ask: bool) -> Kind | None:
        """What is wrong with a process, after what can be healed was set going."""
        handle = self._client.get_workflow_handle(ids.workflow_id(of, state.id))
        try:
            described = await handle.describe()
            if described.status is not WorkflowExecutionStatus.RUNNING:
                return await self._start_again(of, store, state)
            if not ask:
                return None
            view = await handle.query("describe", result_type=ProcessView, rpc_timeout=_ANSWER_WITHIN)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return await self._start_again(of, store, state)
        if view.event_number == 0:  # it is being opened
            return None
        async with self._database.reading() as reader:
            known = await store.event_number(reader, state.id)
        kind = compare(view.event_number, known)
        if kind is Kind.BEHIND:
            await handle.signal(*_RESTORED[of])
        return kind

    async def _start_again(self, of: Of, store: "ModuleType", state: "State") -> Kind | None:
        """A process that begins with the state of the last commit: its deadlines are those that it had, and what has
        fired does not fire again. None if somebody else has started it meanwhile, or it has just ended."""
        async with self._database.reading() as reader:
            if await store.event_number(reader, state.id) != state.event_number:
                return None  # it moved on while we looked; the next run sees
        try:
            await self._client.start_workflow(
                of.capitalize(),
                _input(state),
                id=ids.workflow_id(of, state.id),
                task_queue=PROCESS,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            )
        except WorkflowAlreadyStartedError:
            return None
        return Kind.LOST

    async def _catch_up(self, ticket_ids: list["UUID"]) -> None:
        """Reports miss nothing of the time in which workers of two versions ran."""
        async with self._database.reading() as reader:
            missed = await self._store.incomplete(reader, ticket_ids)
        if missed:
            async with self._database.writing() as writer:
                await self._store.catch_up(writer, missed)

    async def _keep(self, of: Of, seen: list[tuple["State", Kind | None]], now: datetime) -> None:
        async with self._database.writing() as writer:
            right = [state.id for state, kind in seen if kind is not Kind.AHEAD]
            await self._store.heal(writer, of, right, now)
            for state, kind in seen:
                if kind is not None:
                    await self._store.note(writer, of, state.id, kind, _DETAILS[kind], now)
            started = [state.id for state, kind in seen if kind is Kind.LOST]
            await self._store.heal(writer, of, started, now)


def _input(state: "State") -> TicketInput | FeedbackInput | ContestInput:
    if isinstance(state, FeedbackState):
        return FeedbackInput(feedback_id=state.id, state=state)
    if isinstance(state, ContestState):
        return ContestInput(contest_id=state.id, state=state)
    return TicketInput(ticket_id=state.id, state=state)


_RESTORED: Final[dict[Of, tuple[str, Any]]] = {
    "ticket": ("reconsider", Reconsider(cause="restored")),
    "feedback": ("consider", News(cause="restored")),
    "contest": ("consider", ContestNews(cause="restored")),
}
"""How a process hears that it should look."""

_DETAILS: Final = {
    Kind.LOST: "The process was gone and was started again from the database.",
    Kind.BEHIND: "The process knew less than the database and was told to look.",
    Kind.AHEAD: "The process knows more than the database, which was restored; see docs/backup.md.",
}
