"""The working copy of one decision about a ticket: it collects what changes and is read out as one `Change`.

A `Draft` lives inside one decision of `domain/ticket/process.py` and is never kept.
"""

from datetime import datetime
from uuid import UUID

from domain.draft import DecisionDraft
from domain.notification.kind import Audience
from domain.notification.kind import Kind as NoticeKind
from domain.sla.clock import Due, StepKind
from domain.sla.policy import ClockName
from domain.ticket.fields import ACTIVE, Priority, Status
from domain.ticket.messages import Change, Edit, Link, Merge, OpenTicket, Want
from domain.ticket.state import TicketState

PAUSABLE = (ClockName.RESOLUTION, ClockName.NEXT_RESPONSE)


class Draft(DecisionDraft[TicketState, Want]):
    def __init__(self, state: TicketState, now: datetime, actor_id: UUID | None = None) -> None:
        super().__init__(state, now, actor_id, state.ended)
        self.opened: OpenTicket | None = None
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

    @property
    def status(self) -> Status:
        return Status(self["status"])

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

    def _carry_out(self, effect: str, due: Due) -> None:
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

    def finish(self) -> Change:
        """The change, with the state that is true once it is committed."""
        return Change(
            state=self._next_state(ended=self.board.ended),
            at=self.now,
            actor_id=self.actor_id,
            opened=self.opened,
            events=self.events,
            ledger=self.board.ledger,
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
