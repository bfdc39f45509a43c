"""What processes have in common, whatever they are about: those that decide (a ticket, feedback, a contest), and those
that take what is new and due (a member, a survey, a claim).

The updates and signals stand with each workflow, because Temporal reads the types of messages off them; what they do
stands here, and the order of it is held fast by every recorded history.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from temporalio import workflow

from activities.failure import as_application_error
from domain.errors import DeskError
from domain.process import Committed, OpenTimer, ProcessView, moving
from domain.repetition import Seen, key_reused
from workflows import durable

DESCRIBE: Final = "describe"
WAKE: Final = "wake"
"""The query and the signal by name, for those who call them."""


class Decided(Protocol):
    """What a process remembers, as far as it matters here."""

    @property
    def status(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def event_number(self) -> int: ...
    @property
    def runs(self) -> int: ...


class Decision(Protocol):
    """A change that is to be committed; `wants` is what only the database knows."""

    @property
    def wants(self) -> Sequence[str]: ...
    @property
    def state(self) -> Any: ...


StateT = TypeVar("StateT", bound=Decided)
ChangeT = TypeVar("ChangeT", bound=Decision)
ActT = TypeVar("ActT")
NewsT = TypeVar("NewsT")
StartT = TypeVar("StartT", bound="Start")
TakenT = TypeVar("TakenT", bound="Taken")
TakenT_co = TypeVar("TakenT_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Decisions(Generic[StateT, ChangeT, ActT, NewsT]):
    """The pure functions of a domain by which its process lives, and the activity that commits what they decide."""

    check: Callable[[StateT, ActT, datetime], Seen | None]
    acted: Callable[[StateT, ActT, datetime], ChangeT]
    settled: Callable[[StateT, datetime], ChangeT]
    considered: Callable[[StateT, NewsT, datetime], ChangeT]
    with_facts: Callable[[ChangeT, Any], ChangeT]
    is_empty: Callable[[ChangeT], bool]
    is_finished: Callable[[StateT, datetime], bool]
    next_deadline: Callable[[StateT], datetime | None]
    timers: Callable[[StateT], list[OpenTimer]]
    commit: Callable[[Any, ChangeT], Awaitable[Any]]
    comes_first: Callable[[StateT, datetime], bool] = lambda state, now: False
    """Whether something is due that has to be settled before an action is carried out, by commits of its own. Where
    promises are kept, `acted` takes along what is due."""


class Deciding(Generic[StateT, ChangeT, ActT, NewsT]):
    """`_state` is None until the first change is committed; all later ones go through `_commit`, under the lock.

    It sleeps on one timer, set to the nearest of all deadlines. `history_limit` is in events.
    """

    _decisions: ClassVar[Decisions[Any, Any, Any, Any]]
    _beginning: ClassVar[str]
    """What the process says of itself before its first commit."""

    def __init__(self, state: StateT | None, news: Sequence[NewsT], history_limit: int | None) -> None:
        self._state: StateT | None = None
        self._deadline: datetime | None = None
        if state is not None:
            self._state, self._deadline = state, self._decisions.next_deadline(state)
        self._news: list[NewsT] = list(news)
        self._history_limit = history_limit
        self._lock = asyncio.Lock()
        self._moving = False

    @workflow.query(name=DESCRIBE)
    def describe(self) -> ProcessView:
        info, state = workflow.info(), self._state
        return ProcessView(
            workflow_id=info.workflow_id,
            run_id=info.run_id,
            state=self._beginning if state is None else state.status,
            event_number=0 if state is None else state.event_number,
            timers=[] if state is None else self._decisions.timers(state),
            pending_handlers=int(self._lock.locked()),
            history_length=info.get_current_history_length(),
            continued_runs=0 if state is None else state.runs,
        )

    async def _live(self, first: Callable[[], ChangeT], next_run: Callable[[], Any]) -> None:
        """From the first change, unless an earlier run committed it, to the end or to the next run."""
        if self._state is None:
            async with self._lock:
                await self._commit(first())
        while not self._decisions.is_finished(self._now_state(), workflow.now()):
            await self._until_something_happens()
            self._moving = durable.wants_a_new_run(self._history_limit)
            await self._consider_news()
            await self._settle()
            if self._moving:
                await durable.continue_as_new(next_run)
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _begun(self, fingerprint: str) -> Committed:
        """Answers when the first change is committed; refuses another body under the same key."""
        await workflow.wait_condition(lambda: self._state is not None)
        state = self._now_state()
        if state.fingerprint != fingerprint:
            raise as_application_error(key_reused())
        return Committed(version=state.event_number)

    async def _carry_out(self, act: ActT) -> Committed:
        """Carries out one action, once for its request id, and answers when it is committed."""
        await workflow.wait_condition(lambda: self._state is not None)
        async with self._lock:
            while (seen := await self._ready_for(act)) is None:
                # What changes nothing is not remembered either: the same request may come again to no effect.
                change = self._decisions.acted(self._now_state(), act, workflow.now())
                if await self._commit(change, pinned=True):
                    return Committed(version=self._now_state().event_number)
        return Committed(version=seen.version)

    def _check(self, act: ActT) -> None:
        """A refused action costs no event. What passes is checked again under the lock.

        A run that is about to end takes nothing more: under a constant stream of actions there would never be
        a moment without a handler, and its history would grow until the server ends it.
        """
        if self._moving:
            raise as_application_error(moving())
        if self._state is not None and not self._lock.locked():
            self._seen(act)

    def _hear(self, news: NewsT) -> None:
        """A fact from outside; taken up by the process itself, and never an error."""
        if news not in self._news:
            self._news.append(news)

    async def _ready_for(self, act: ActT) -> Seen | None:
        """Settles what comes before the action; what it made, if it was carried out. Runs under the lock."""
        while self._decisions.comes_first(self._now_state(), workflow.now()):
            await self._commit(self._decisions.settled(self._now_state(), workflow.now()), pinned=True)
        return self._seen(act)

    def _seen(self, act: ActT) -> Seen | None:
        """What the action made, if it was carried out; refuses one that is not allowed now."""
        try:
            return self._decisions.check(self._now_state(), act, workflow.now())
        except DeskError as error:
            raise as_application_error(error) from error

    async def _until_something_happens(self) -> None:
        """One timer, set to the nearest deadline, and set anew only when the nearest deadline moves."""
        armed = self._deadline
        left = None if armed is None else armed - workflow.now()
        try:
            await workflow.wait_condition(
                lambda: (
                    bool(self._news)
                    or self._deadline != armed
                    or durable.wants_a_new_run(self._history_limit)
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
                await self._commit(self._decisions.settled(self._now_state(), now))

    async def _consider_news(self) -> None:
        while self._news:
            async with self._lock:
                change = self._decisions.considered(self._now_state(), self._news[0], workflow.now())
                if await self._commit(change):
                    self._news.pop(0)

    async def _commit(self, change: ChangeT, *, pinned: bool = False) -> bool:
        """Writes a change and makes its state ours. False if the database was ahead: then its state is ours
        now, and whoever calls decides again from there. Runs under the lock.
        """
        decisions = self._decisions
        if not change.wants and decisions.is_empty(change):
            return True
        outcome = await durable.commit(decisions.commit, change, pinned=pinned)
        if outcome.state is not None:
            self._take(outcome.state)
            return False
        if outcome.facts is not None:
            change = decisions.with_facts(change, outcome.facts)
        if not decisions.is_empty(change):
            self._take(change.state)
        return True

    def _take(self, state: StateT) -> None:
        self._state = state
        self._deadline = self._decisions.next_deadline(state)

    def _now_state(self) -> StateT:
        assert self._state is not None
        return self._state


class Taken(Protocol):
    """How far a process has come, and when it has to do something by itself."""

    @property
    def event_number(self) -> int: ...
    @property
    def next_at(self) -> datetime | None: ...


class Start(Protocol):
    @property
    def runs(self) -> int: ...
    @property
    def history_limit(self) -> int | None: ...
    def model_copy(self, *, update: dict[str, Any]) -> Any: ...


class Step(Protocol[TakenT_co]):
    """What one commit took; `more` says that there is more of it."""

    @property
    def state(self) -> TakenT_co: ...
    @property
    def more(self) -> bool: ...


class Advancing(ABC, Generic[StartT, TakenT]):
    """The database knows what is new and what is due, and the process when to look. Calls while it works are one."""

    def __init__(self, start: StartT, state: TakenT) -> None:
        self._start = start
        self._state = state
        self._woken = False

    @workflow.signal(name=WAKE)
    def wake(self) -> None:
        """There is something new. It may have been taken already."""
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

    @abstractmethod
    async def _advance(self) -> Step[TakenT]:
        """Commits the next of what is new or due."""

    def _is_due(self) -> bool:
        """Whether what comes next is done at once."""
        return False

    async def _take(self) -> None:
        """All that is new, and all that is due."""
        more = True
        while more:
            self._woken = False
            done = await self._advance()
            self._state = done.state
            if durable.wants_a_new_run(self._start.history_limit):
                await durable.continue_as_new(self._next_run)
            more = done.more or self._woken or self._is_due()

    def _next_run(self) -> Any:
        return self._start.model_copy(update={"state": self._state, "runs": self._start.runs + 1})
