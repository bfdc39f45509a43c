"""What the working copies of all decisions share: fields that change, what is told and asked for; and those about
something with promises, the steps of ladders that are due. What else a ticket, an item of feedback or a contest
collects, and how it is read out as one change, stands in its own `draft.py`.
"""

from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, Self, TypeVar
from uuid import UUID

from domain.notification.kind import Audience
from domain.notification.kind import Kind as NoticeKind
from domain.notification.notice import Notice
from domain.repetition import Request, Seen, remembered
from domain.sla.board import Board
from domain.sla.clock import Clock, Due, StepKind
from domain.sla.policy import ClockName, PolicyVersion
from domain.ticket.fields import Priority, Visibility
from domain.ticket.messages import Comment, Event


class Remembered(Protocol):
    """What every process remembers that decides."""

    @property
    def event_number(self) -> int: ...
    @property
    def seen(self) -> tuple[Seen, ...]: ...
    def model_copy(self, *, update: dict[str, Any]) -> Self: ...


class State(Remembered, Protocol):
    """What every process with promises remembers."""

    @property
    def policy(self) -> PolicyVersion | None: ...
    @property
    def clocks(self) -> dict[ClockName, Clock]: ...
    @property
    def cycles(self) -> dict[ClockName, int]: ...


RememberedT = TypeVar("RememberedT", bound=Remembered)
StateT = TypeVar("StateT", bound=State)
WantT = TypeVar("WantT", bound=str)


class PlainDraft(Generic[RememberedT, WantT]):
    """Starts from `state` or from a change that waited for facts; `now` and `actor_id` hold for all of it."""

    def __init__(self, state: RememberedT, now: datetime, actor_id: UUID | None) -> None:
        self.before = state
        self.now = now
        self.actor_id = actor_id
        self.events: list[Event] = []
        self.notices: list[Notice] = []
        self.wants: list[WantT] = []
        self._fields: dict[str, Any] = {}

    def __getitem__(self, field: str) -> Any:
        return self._fields.get(field, getattr(self.before, field))

    def set(self, **fields: Any) -> None:
        self._fields.update(fields)

    def event(self, type_: str, *, cause: str | None = None, **data: Any) -> None:
        self.events.append(Event(type=type_, at=self.now, actor_id=self.actor_id, cause=cause, data=data))

    def change_of(self, type_: str, cause: str | None = None, **fields: Any) -> None:
        """Sets fields and writes the event that tells each one's `[from, to]`; nothing if none differs."""
        data = {field: [self[field], value] for field, value in fields.items() if self[field] != value}
        if data:
            self.set(**fields)
            self.event(type_, cause=cause, **data)

    def notify(self, kind: NoticeKind, *audience: Audience, **params: Any) -> None:
        """Tells people; the actor never hears of their own act."""
        exclude = [] if self.actor_id is None else [self.actor_id]
        self.notices.append(Notice(kind=kind, audience=list(audience), params=params, exclude=exclude))

    def want(self, *facts: WantT) -> None:
        self.wants += [fact for fact in facts if fact not in self.wants]

    def remember(self, act: Request) -> None:
        """So that the same request is known when it comes again."""
        self.set(seen=remembered(self.before.seen, act, self.before.event_number + 1))


class DecisionDraft(PlainDraft[StateT, WantT], ABC):
    """One about something with promises, whose clocks are on its board."""

    def __init__(
        self,
        state: StateT,
        now: datetime,
        actor_id: UUID | None,
        ended: Clock | None = None,
    ) -> None:
        super().__init__(state, now, actor_id)
        self.board = Board(state.policy, state.clocks, state.cycles, ended)
        self.comments: list[Comment] = []
        self.tags: tuple[list[str], list[str]] = ([], [])

    @property
    def priority(self) -> Priority:
        return Priority(self["priority"])

    def write(self, body: str, visibility: Visibility, body_id: UUID) -> None:
        """Several comments of one decision are a microsecond apart, which keeps them in their order."""
        at = self.now + timedelta(microseconds=len(self.comments))
        self.comments.append(
            Comment(id=body_id, author_id=self.actor_id, visibility=visibility, body=body, at=at)
        )

    def take_due(self) -> None:
        """Fires every step of every ladder that is due by now. It is nobody's act, also when somebody acts at the
        same moment: they hear of it, too, and the history does not say that it was them."""
        actor, self.actor_id = self.actor_id, None
        self._fire()
        self.actor_id = actor

    def _fire(self) -> None:
        """An outage's missed repeats carry their effects out once, for the latest of them."""
        effects: dict[tuple[str, str], Due] = {}
        for due in self.board.take_due(self.now):
            effects[due.clock, due.key] = due
            if due.kind is StepKind.BREACH and due.clock is not ClockName.SILENCE:
                self.event("sla_breached", cause="timer", clock=due.clock, due_at=due.due_at)
        for due in effects.values():
            for effect in due.effects:
                self._carry_out(effect, due)

    @abstractmethod
    def _carry_out(self, effect: str, due: Due) -> None:
        """One effect of a step, such as `notify:lead`."""

    def _next_state(self, **fields: Any) -> StateT:
        """What is true once the change is committed."""
        board, number = self.board, self.before.event_number + 1
        promised = {"policy": board.policy, "clocks": board.clocks, "cycles": board.cycles}
        return self.before.model_copy(update={**self._fields, **promised, "event_number": number, **fields})
