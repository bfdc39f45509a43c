"""The working copy of one decision about a ticket: it collects what changes and is read out as one `Change`.

A `Draft` lives inside one decision of `domain/ticket/process.py` and is never kept.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.notification import Audience, Notice
from domain.notification import Kind as NoticeKind
from domain.sla.board import Board
from domain.sla.clock import Due, StepKind
from domain.sla.policy import ClockName
from domain.ticket.fields import ACTIVE, Priority, Status, Visibility
from domain.ticket.messages import Act, Change, Comment, Edit, Event, Link, Merge, OpenTicket, Want
from domain.ticket.state import SEEN_LIMIT, Seen, TicketState

PAUSABLE = (ClockName.RESOLUTION, ClockName.NEXT_RESPONSE)


class Draft:
    """Starts from `state` or from a change that waited for facts; `now` and `actor_id` hold for all of it."""

    def __init__(self, state: TicketState, now: datetime, actor_id: UUID | None = None) -> None:
        self.before = state
        self.now = now
        self.actor_id = actor_id
        self.board = Board(state.policy, state.clocks, state.cycles, state.ended)
        self.events: list[Event] = []
        self.notices: list[Notice] = []
        self.wants: list[Want] = []
        self.opened: OpenTicket | None = None
        self.comments: list[Comment] = []
        self.tags: tuple[list[str], list[str]] = ([], [])
        self.watch: list[UUID] = []
        self.unwatch: list[UUID] = []
        self.link: list[Link] = []
        self.unlink: list[UUID] = []
        self.share: list[UUID] = []
        self.unshare: list[UUID] = []
        self.merge: Merge | None = None
        self.unmerge: UUID | None = None
        self.split: OpenTicket | None = None
        self.edit: Edit | None = None
        self._fields: dict[str, Any] = {}

    def __getitem__(self, field: str) -> Any:
        return self._fields.get(field, getattr(self.before, field))

    def set(self, **fields: Any) -> None:
        self._fields.update(fields)

    @property
    def status(self) -> Status:
        return Status(self["status"])

    @property
    def priority(self) -> Priority:
        return Priority(self["priority"])

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
        self.notices.append(
            Notice(kind=kind, audience=list(audience), params=params, exclude=_listed(self.actor_id))
        )

    def write(self, body: str, visibility: Visibility, body_id: UUID) -> None:
        """Several comments of one decision are a microsecond apart, which keeps them in their order."""
        at = self.now + timedelta(microseconds=len(self.comments))
        self.comments.append(
            Comment(id=body_id, author_id=self.actor_id, visibility=visibility, body=body, at=at)
        )

    def move(self, status: Status, cause: str) -> None:
        """Changes the status, and pauses or resumes the clocks that the policy pauses in it."""
        if status == self.status:
            return
        self.change_of("status_changed", cause, status=status)
        self.pause_or_resume(cause)

    def pause_or_resume(self, cause: str) -> None:
        """As the policy says of the status."""
        for name in PAUSABLE:
            if self._pausing(self.status):
                self.board.pause(name, self.now, cause)
            else:
                self.board.resume(name, self.now, cause)

    def start(self, name: ClockName, cause: str) -> None:
        """Starts a clock; where the policy pauses it in this status, it is paused at once."""
        self.board.start(name, self.priority, self.now, cause)
        if name in PAUSABLE and self._pausing(self.status):
            self.board.pause(name, self.now, cause)

    def _pausing(self, status: Status) -> bool:
        return self.board.policy is not None and status in self.board.policy.policy.pause_on

    def want(self, *facts: Want) -> None:
        self.wants += [fact for fact in facts if fact not in self.wants]

    def take_due(self) -> None:
        """Fires every step of every ladder that is due by now. It is nobody's act, also when somebody acts at the
        same moment: they hear of it, too, and the history does not say that it was them."""
        actor, self.actor_id = self.actor_id, None
        self._fire()
        self.actor_id = actor

    def _fire(self) -> None:
        effects: dict[tuple[str, str], Due] = {}
        for due in self.board.take_due(self.now):
            effects[due.clock, due.key] = due
            if due.kind is StepKind.BREACH:
                self.event("sla_breached", cause="timer", clock=due.clock, due_at=due.due_at)
        for due in effects.values():
            for effect in due.effects:
                self._carry_out(effect, due)

    def _carry_out(self, effect: str, due: Due) -> None:
        """One effect of a step. An outage's missed repeats carry theirs out once, for the latest of them."""
        verb, _, value = effect.partition(":")
        cause = f"{due.clock} {due.step}"
        if verb == "notify":
            kind = {
                StepKind.WARN: NoticeKind.SLA_WARNING,
                StepKind.BREACH: NoticeKind.SLA_BREACHED,
                StepKind.ESCALATE: NoticeKind.TICKET_ESCALATED,
            }[due.kind]
            self.notify(kind, Audience(value), clock=due.clock, step=due.step, due_at=due.due_at.isoformat())
        elif verb == "tier":
            self.raise_tier(int(value), cause)
        elif verb == "priority" and Priority(value).weight > self.priority.weight:
            self.change_of("priority_changed", cause, priority=Priority(value))
            self.want("policy")
        elif verb == "tag":
            self.tags[0].append(value)

    def raise_tier(self, tier: int, cause: str) -> None:
        if tier > self["tier"]:
            self.change_of("escalated", cause, tier=tier)
            if (self["assignee_tier"] or 0) < tier:
                self.want("assignee")

    def remember(self, act: Act) -> None:
        seen = Seen(
            request_id=act.request_id, fingerprint=act.fingerprint, version=self.before.event_number + 1
        )
        self.set(seen=(*self.before.seen[-(SEEN_LIMIT - 1) :], seen))

    def finish(self) -> Change:
        """The change, with the state that is true once it is committed."""
        board = self.board
        state = self.before.model_copy(
            update={
                **self._fields,
                "policy": board.policy,
                "clocks": board.clocks,
                "cycles": board.cycles,
                "ended": board.ended,
                "event_number": self.before.event_number + 1,
            }
        )
        return Change(
            state=state,
            at=self.now,
            actor_id=self.actor_id,
            opened=self.opened,
            events=self.events,
            ledger=board.ledger,
            notices=self.notices,
            comments=self.comments,
            tags=self.tags,
            watch=self.watch,
            unwatch=self.unwatch,
            link=self.link,
            unlink=self.unlink,
            share=self.share,
            unshare=self.unshare,
            merge=self.merge,
            unmerge=self.unmerge,
            split=self.split,
            edit=self.edit,
            # What a step asked for and the action made needless: nobody is looked for when it is done already.
            wants=[fact for fact in self.wants if fact != "assignee" or self.status in ACTIVE],
        )


def _listed(person_id: UUID | None) -> list[UUID]:
    return [] if person_id is None else [person_id]
