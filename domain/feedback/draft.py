"""The working copy of one decision about an item: it collects what changes and is read out as one `Change`.

A `Draft` lives inside one decision of `domain/feedback/process.py` and is never kept.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.draft import DecisionDraft
from domain.feedback.fields import ENDED, Status
from domain.feedback.messages import Answer, Change, Edit, Submit, Turn, Want
from domain.feedback.promises import ASSESSING, STAGES
from domain.feedback.state import FeedbackState
from domain.notification.kind import Audience
from domain.notification.kind import Kind as NoticeKind
from domain.sla.clock import Due, StepKind
from domain.sla.policy import ClockName


class Draft(DecisionDraft[FeedbackState, Want]):
    def __init__(self, state: FeedbackState, now: datetime, actor_id: UUID | None = None) -> None:
        super().__init__(state, now, actor_id)
        self.turns: list[Turn] = []
        self.submitted: Submit | None = None
        self.link: list[UUID] = []
        self.unlink: list[UUID] = []
        self.merge: UUID | None = None
        self.unmerge: UUID | None = None
        self.edit: Edit | None = None
        self.answer: Answer | None = None

    @property
    def status(self) -> Status:
        return Status(self["status"])

    def tell(
        self, kind: NoticeKind, *, requesters_only: bool = False, actor_too: bool = False, **params: Any
    ) -> None:
        """Tells everybody who follows the item, which ends its silence."""
        told = {"status": str(self.status), **{name: value for name, value in params.items() if value}}
        self.turns.append(Turn(kind=kind, params=told, requesters_only=requesters_only, actor_too=actor_too))
        self.board.satisfy(ClockName.SILENCE, self.now, "told")
        if self.status not in (*ENDED, Status.VERIFIED):
            self.board.start(ClockName.SILENCE, self.priority, self.now, "told")

    def move(self, status: Status, cause: str) -> None:
        """Changes the state: the clock of the old one is satisfied, that of the new one starts."""
        if status is self.status:
            return
        before = self.status
        self.change_of("status_changed", cause, status=status)
        if stage := STAGES.get(before):
            end = self.board.cancel if status is Status.MERGED else self.board.satisfy
            end(stage, self.now, cause)
        if status is not Status.TRIAGED:
            for clock in ASSESSING.values():
                self.board.cancel(clock, self.now, cause)
        self.start_stage(cause)

    def start_stage(self, cause: str) -> None:
        if stage := STAGES.get(self.status):
            self.board.start(stage, self.priority, self.now, cause)
        if self.status in (*ENDED, Status.VERIFIED):
            self.board.cancel(ClockName.SILENCE, self.now, cause)
        else:
            self.board.start(ClockName.SILENCE, self.priority, self.now, cause)

    def _carry_out(self, effect: str, due: Due) -> None:
        verb, _, value = effect.partition(":")
        if verb == "notify":
            kind = NoticeKind.FEEDBACK_OVERDUE
            if due.clock is ClockName.SILENCE:
                kind = NoticeKind.FEEDBACK_SILENT
            elif due.kind is StepKind.WARN:
                kind = NoticeKind.FEEDBACK_DUE
            params = {"clock": due.clock, "step": due.step, "due_at": due.due_at.isoformat()}
            people = self._assessor(due.clock) if value == Audience.ASSIGNEE else []
            self.notify(kind, Audience.NAMED if people else Audience(value), **params, people=people)
        elif verb == "tag":
            self.tags[0].append(value)

    def _assessor(self, clock: ClockName) -> list[str]:
        """Who owes the assessment that the clock is for."""
        for assessment, name in ASSESSING.items():
            opinion = self["assessments"].get(assessment)
            if name is clock and opinion is not None and opinion.owner_id:
                return [str(opinion.owner_id)]
        return []

    def finish(self) -> Change:
        """The change, with the state that is true once it is committed."""
        return Change(
            state=self._next_state(),
            at=self.now,
            actor_id=self.actor_id,
            submitted=self.submitted,
            events=self.events,
            ledger=self.board.ledger,
            notices=self.notices,
            turns=self.turns,
            comments=self.comments,
            tags=self.tags,
            link=self.link,
            unlink=self.unlink,
            merge=self.merge,
            unmerge=self.unmerge,
            edit=self.edit,
            answer=self.answer,
            wants=self.wants,
        )
