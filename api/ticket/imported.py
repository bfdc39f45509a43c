"""A ticket as an import takes it: what an export wrote (`domain/ticket/export.py`), with limits on all of it.

What the process makes anew or lists only show is accepted and passed over. What cannot be true together is refused
here; what this desk does not have, in `api/ticket/imports.py`.
"""

from datetime import timedelta
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from api.forms import Form, Then, When
from domain import ids
from domain.duration import PositiveDuration
from domain.errors import Invalid
from domain.sla.clock import Clock
from domain.sla.ledger import Entry
from domain.sla.policy import LADDER_LIMIT, ClockName
from domain.text import Body, Email, Fields, Line, Name, Text, Word
from domain.ticket.fields import ACTIVE, Channel, Kind, Priority, Relation, Status, Visibility

_LONGEST: Final = timedelta(days=36_525)
_PEOPLE: Final = 1000
_COMMENTS: Final = 10_000
_HISTORY: Final = 50_000
_NUMBERS: Final = 10**12
_COUNTS: Final = 2**31
_STEPS: Final = frozenset({Entry.WARN, Entry.BREACH, Entry.ESCALATE})


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise PydanticCustomError("invalid_duration", "Write a duration as ISO 8601 text such as PT30M.")
    return value


Length = Annotated[
    timedelta,
    Field(ge=timedelta(0), le=_LONGEST),
    BeforeValidator(_text),
    WithJsonSchema({"type": "string", "format": "duration"}),
]
Count = Annotated[int, Field(ge=0, lt=_COUNTS)]
Score = Annotated[int, Field(ge=1, le=5)]
Remade = Annotated[Any, Field(description="Passed over.")]


class ImportedPerson(Form):
    """Known by the address; somebody new is made as a requester. `id` is another desk's."""

    email: Email
    name: Line | None = None
    id: UUID | None = None


class ImportedRef(Form):
    name: Name
    id: UUID | None = None


class ImportedComment(Form):
    id: UUID
    author: ImportedPerson | None
    visibility: Visibility
    body: Body
    at: Then


class ImportedEvent(Form):
    type: Name
    at: Then
    actor: ImportedPerson | None
    cause: Text | None
    data: Fields


class ImportedLink(Form):
    ticket: UUID
    relation: Relation
    number: Annotated[int, Field(ge=1, lt=_NUMBERS)] | None = None


class ImportedEntry(Form):
    """A row of the ledger; a step has `due_at` and `fired_at`."""

    clock: ClockName
    cycle: Count
    kind: Entry
    at: Then
    cause: Line
    step: Line | None = None
    due_at: When | None = None
    fired_at: Then | None = None
    started_at: Then | None = None
    target: Length
    elapsed: Length
    missed: Count = 0
    policy_id: UUID
    policy_version: Count
    calendar_version: Count

    @model_validator(mode="after")
    def _check_step(self) -> Self:
        if self.kind in _STEPS and None in (self.due_at, self.fired_at):
            raise PydanticCustomError("step_without_time", "A step has due_at and fired_at.")
        return self


class ImportedClock(Form):
    cycle: Count
    target: PositiveDuration
    started_at: Then
    spent: Length
    running_since: Then | None
    breached_at: Then | None
    acknowledged: bool
    fired: Annotated[dict[Name, Count], Field(max_length=LADDER_LIMIT + 1)]

    def clock(self, name: ClockName) -> Clock:
        return Clock(name=name, **dict(self))


class ImportedProcess(Form):
    accepted: bool = False
    assignee_tier: Annotated[int, Field(ge=1, le=3)] | None = None
    clocks: dict[ClockName, ImportedClock] = {}
    cycles: dict[ClockName, Count] = {}
    ended: ImportedClock | None = None


class ImportedTicket(Form):
    """`process` may be left out; then the promises of an open ticket begin when it comes in."""

    id: UUID
    number: Annotated[int, Field(ge=1, lt=_NUMBERS)]
    external_id: Name | None
    subject: Line
    description: Body
    status: Status
    priority: Priority
    requested_priority: Priority
    category: Word | None
    kind: Kind | None
    channel: Channel
    tier: Annotated[int, Field(ge=1, le=3)]
    requester: ImportedPerson
    organization: ImportedRef | None
    assignee: ImportedPerson | None
    team: ImportedRef | None
    merged_into: UUID | None
    tags: Annotated[list[Word], Field(max_length=1000)]
    custom_fields: Fields
    reopen_count: Count
    satisfaction: Score | None = None
    created_at: Then
    updated_at: Then
    first_responded_at: Then | None
    resolved_at: Then | None
    closed_at: Then | None
    collaborators: Annotated[list[ImportedPerson], Field(max_length=_PEOPLE)] = []
    watchers: Annotated[list[ImportedPerson], Field(max_length=_PEOPLE)] = []
    links: Annotated[list[ImportedLink], Field(max_length=_PEOPLE)] = []
    comments: Annotated[list[ImportedComment], Field(max_length=_COMMENTS)] = []
    events: Annotated[list[ImportedEvent], Field(max_length=_HISTORY)] = []
    ledger: Annotated[list[ImportedEntry], Field(max_length=_HISTORY)] = []
    process: ImportedProcess | None = None
    attachments: Remade = None
    version: Remade = None
    waiting_reason: Remade = None
    breached: Remade = None
    classification: Remade = None
    next_step: Remade = None
    next_step_at: Remade = None


REMADE: Final = {
    "attachments",
    "version",
    "classification",
    "waiting_reason",
    "breached",
    "next_step",
    "next_step_at",
}
_NEEDS: Final = {
    Status.RESOLVED: "resolved_at",
    Status.CLOSED: "closed_at",
    Status.MERGED: "merged_into",
    Status.ASSIGNED: "assignee",
}
_EXCLUDES: Final = {
    **dict.fromkeys(ACTIVE, ("resolved_at", "closed_at", "merged_into")),
    Status.RESOLVED: ("closed_at", "merged_into"),
    Status.CLOSED: ("merged_into",),
}


def check_together(form: ImportedTicket) -> None:
    """Raises Invalid for what cannot be true together."""
    if form.external_id is not None and form.id != ids.ticket_id("external", form.external_id):
        raise Invalid("wrong_id", "A ticket with an external_id has the id that follows from it.", field="id")
    needed = _NEEDS.get(form.status)
    if needed is not None and getattr(form, needed) is None:
        raise Invalid("required", f"A ticket that is {form.status} has this.", field=needed)
    for name in _EXCLUDES.get(form.status, ()):
        if getattr(form, name) is not None:
            raise Invalid("contradiction", f"A ticket that is {form.status} does not have this.", field=name)
    if form.process is not None and form.process.clocks and form.status not in ACTIVE:
        detail = f"The clocks of a ticket that is {form.status} have ended."
        raise Invalid("contradiction", detail, field="process.clocks")
    if form.id in (form.merged_into, *(link.ticket for link in form.links)):
        raise Invalid("itself", "A ticket has no link to itself.", field="links")
    if len({comment.id for comment in form.comments}) < len(form.comments):
        raise Invalid("repeated", "Each comment has an id of its own.", field="comments")
