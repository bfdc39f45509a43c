"""The working copy of one decision about a contest: it collects what changes and is read out as one `Change`.

A `Draft` lives inside one decision of `domain/contest/process.py` and is never kept.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.contest.fields import WARNING, Status
from domain.contest.messages import Change, Want
from domain.contest.state import ContestState, Due, Fill, Telling
from domain.draft import PlainDraft
from domain.notification.kind import Audience, Kind


class Draft(PlainDraft[ContestState, Want]):
    """`number` is that of the event that it makes; `parts` are the fields of the change that only some have."""

    def __init__(
        self, state: ContestState, now: datetime, actor_id: UUID | None = None, number: int | None = None
    ) -> None:
        super().__init__(state, now, actor_id)
        self.number = state.event_number + 1 if number is None else number
        self.parts: dict[str, Any] = {}

    @property
    def status(self) -> Status:
        return Status(self["status"])

    def move(self, status: Status, cause: str, **data: Any) -> None:
        self.event("status_changed", cause=cause, status=[self.status, status], **data)
        self.set(status=status)

    def notify_people(self, kind: Kind, people: Iterable[UUID], **params: Any) -> None:
        """Tells a few by name."""
        self.notify(kind, Audience.NAMED, people=[str(one) for one in people], **params)

    def tell(self, kind: Kind, *, judges: bool = False, **params: Any) -> None:
        """Tells all participants, page by page, and the judges, too, if it concerns them."""
        telling = Telling(kind=kind, event_number=self.number, params=params)
        self.set(tellings=(*self["tellings"], telling))
        if judges and self["judges"]:
            self.notify_people(kind, self["judges"], **params)

    def fill(self, due_at: datetime) -> None:
        """All entries that lack judges get some, who have time until `due_at`."""
        running: Fill | None = self["fill"]
        known = () if running is None else running.judges
        due_at = due_at if running is None else max(due_at, running.due_at)
        self.set(fill=Fill(due_at=due_at, judges=known))
        if all(due.at != due_at for due in self["dues"]):
            self.set(dues=(*self["dues"], self.due(due_at)))

    def due(self, at: datetime) -> Due:
        """A deadline of judges, with its warning."""
        left = max(at - self.now, timedelta(0))
        return Due(at=at, warn_at=at - min(WARNING, left / 4))

    def fill_again(self) -> None:
        """Somebody is to take over. They have as long as the others, and no less than the rules say."""
        rules = self["rules"]
        self.fill(max(rules.judging_until, self.now + rules.takeover))

    def finish(self) -> Change:
        """The change, with the state that is true once it is committed."""
        state = self.before.model_copy(update={**self._fields, "event_number": self.number})
        return Change(
            state=state,
            at=self.now,
            actor_id=self.actor_id,
            empty=not (self._fields or self.events or self.notices or self.parts),
            events=self.events,
            notices=self.notices,
            wants=self.wants,
            **self.parts,
        )
