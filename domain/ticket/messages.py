"""The messages that a ticket process takes and gives. They cross processes: changes are only ever additive."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.classifier.classification import Classification
from domain.notification.notice import Notice
from domain.sla.clock import Clock
from domain.sla.ledger import LedgerEntry
from domain.sla.policy import ClockName, PolicyVersion
from domain.text import Locale
from domain.ticket.fields import Channel, Kind, Priority, Relation, Status, Visibility
from domain.ticket.moves import Action
from domain.ticket.state import TicketState


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Requester(Message):
    """Who asks. `person_id` when the person is known, else the address that finds or makes one, who then gets
    mails in `locale`."""

    person_id: UUID | None = None
    email: str | None = None
    name: str | None = None
    locale: Locale = "en"


class Past(Message):
    """What a ticket was on the desk that it comes from, and how its clocks stood: it is taken over, not decided anew.
    Its texts, people, links and history wait in the database (`storage/ticket/past.py`). `number` is the one it
    should have."""

    number: int
    status: Status
    priority: Priority
    tier: int = 1
    organization_id: UUID | None = None
    team_id: UUID | None = None
    assignee_id: UUID | None = None
    assignee_tier: int | None = None
    accepted: bool = False
    updated_at: datetime
    first_responded_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    reopen_count: int = 0
    merged_into: UUID | None = None
    merged_from: tuple[UUID, ...] = ()
    clocks: dict[ClockName, Clock] = {}
    cycles: dict[ClockName, int] = {}
    ended: Clock | None = None


class OpenTicket(Message):
    """Everything a new ticket starts with.

    `fingerprint` tells two bodies under one key apart. `created_at` is set for imported tickets only; their
    clocks start when they enter the desk, because no promise was made before. `past` is set for those that come
    from another desk as they were there, promises included. `copies` are the comments of the ticket it was split
    from that it starts with. `classification` is what was guessed of it; what was sure stands in `category` and
    `kind` already.
    """

    ticket_id: UUID
    fingerprint: str
    subject: str
    description: str
    requester: Requester
    priority: Priority
    category: str | None = None
    kind: Kind | None = None
    channel: Channel = Channel.API
    tags: list[str] = []
    custom_fields: dict[str, Any] = {}
    external_id: str | None = None
    created_at: datetime | None = None
    created_by: UUID | None = None
    classification: Classification | None = None
    follow_up_of: UUID | None = None
    split_from: UUID | None = None
    copies: list[UUID] = []
    past: Past | None = None


class Edit(Message):
    """New contents of a ticket; what is None stays as it is."""

    subject: str | None = None
    description: str | None = None
    custom_fields: dict[str, Any] | None = None


class Merge(Message):
    """A ticket that goes into another. `share` lets its requester follow the other from then on."""

    into: UUID
    share: bool = False


class Step(Message):
    """One action with what it takes. Only the fields that the action takes are set; `api/ticket` checks the
    shape of each action. `apply` carries out all its `steps` in one commit, or none of them."""

    action: Action
    body: str | None = None
    body_id: UUID | None = None
    assignee_id: UUID | None = None
    assignee_tier: int | None = None
    priority: Priority | None = None
    category: str | None = None
    kind: Kind | None = None
    add: list[str] = []
    remove: list[str] = []
    watcher_id: UUID | None = None
    person_id: UUID | None = None
    linked_id: UUID | None = None
    relation: Relation | None = None
    edit: Edit | None = None
    merge: Merge | None = None
    split: OpenTicket | None = None
    steps: list["Step"] = []


class Act(Step):
    """One action of one actor. `request_id` makes it happen once; `expected_version` makes it conditional."""

    actor_id: UUID | None
    request_id: str
    fingerprint: str = ""
    expected_version: int | None = None


class Comment(Message):
    id: UUID
    author_id: UUID | None
    visibility: Visibility
    body: str
    at: datetime


class Event(Message):
    """One fact of the ticket's history. `data` holds what changed as `{field: [from, to]}` and the cause."""

    type: str
    at: datetime
    actor_id: UUID | None = None
    cause: str | None = None
    data: dict[str, Any] = {}


class Link(Message):
    ticket_id: UUID
    relation: Relation


class Facts(Message):
    """What only the database knows and a change had to wait for.

    `routed` and `matched` say that someone was looked for and that the policies were asked, whatever was found;
    `unassigned` that the assignee is away and lost the ticket.
    """

    number: int | None = None
    requester_id: UUID | None = None
    organization_id: UUID | None = None
    team_id: UUID | None = None
    routed: bool = False
    unassigned: bool = False
    assignee_id: UUID | None = None
    assignee_tier: int | None = None
    waiting_reason: str | None = None
    matched: bool = False
    policy: PolicyVersion | None = None


class Outcome(Message):
    """What became of a commit: the facts that it found, or, where the database was ahead of the process, the
    state that holds now. The process then takes that state and decides again."""

    facts: Facts | None = None
    state: TicketState | None = None


Want = Literal["requester", "policy", "assignee", "state"]


class Change(Message):
    """What one commit writes, all of it in one transaction, guarded by the event number in `state`.

    `wants` names the facts that the transaction must find first; they are then applied to `state` by the same
    pure function in the activity and in the workflow.
    """

    state: TicketState
    at: datetime
    actor_id: UUID | None = None
    opened: OpenTicket | None = None
    events: list[Event] = []
    ledger: list[LedgerEntry] = []
    notices: list[Notice] = []
    comments: list[Comment] = []
    tags: tuple[list[str], list[str]] = ([], [])
    watch: list[UUID] = []
    unwatch: list[UUID] = []
    link: list[Link] = []
    unlink: list[UUID] = []
    share: list[UUID] = []
    unshare: list[UUID] = []
    merge: Merge | None = None
    unmerge: UUID | None = None
    split: OpenTicket | None = None
    edit: Edit | None = None
    wants: list[Want] = []

    @property
    def ticket_id(self) -> UUID:
        return self.state.id


class Reconsider(Message):
    """A fact from outside that may change the process: someone is free or absent, the promises changed, or
    another ticket was merged into this one or taken out again, or Temporal's store was restored.

    `version` is the other ticket's when that happened: of what is told twice, or late, nothing comes.
    """

    cause: Literal["capacity", "absence", "policy", "merged", "unmerged", "restored"]
    person_id: UUID | None = None
    ticket_id: UUID | None = None
    version: int | None = None


class TicketInput(Message):
    """What a ticket process starts with: a ticket to open, or the state of the run before."""

    ticket_id: UUID
    open: OpenTicket | None = None
    state: TicketState | None = None
    news: list[Reconsider] = []
    history_limit: Annotated[int, Field(ge=10)] | None = None
    """Continue as new after so many events; None leaves it to the server's suggestion."""
