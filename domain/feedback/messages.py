"""The messages that a feedback process takes and gives. They cross processes: changes are only ever additive."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.feedback.fields import USUAL_IMPORTANCE, Assessment, Kind, Source, Verdict
from domain.feedback.moves import Action
from domain.feedback.state import FeedbackState
from domain.notification.kind import Kind as NoticeKind
from domain.notification.notice import Notice
from domain.sla.ledger import LedgerEntry
from domain.sla.policy import PolicyVersion
from domain.ticket.messages import Comment, Event, Requester


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Submit(Message):
    """Everything a new item starts with. `guessed` names the fields that nobody gave; a human confirms them by the
    triage. `ticket_id` is a ticket that it came out of."""

    feedback_id: UUID
    fingerprint: str
    title: str
    body: str
    requester: Requester
    kind: Kind = Kind.SUGGESTION
    source: Source = Source.API
    category: str | None = None
    importance: int = USUAL_IMPORTANCE
    tags: list[str] = []
    guessed: list[str] = []
    ticket_id: UUID | None = None
    created_by: UUID | None = None


class Act(Message):
    """One action of one actor. `request_id` makes it happen once; `expected_version` makes it conditional.

    Only the fields that the action takes are set; `api/feedback` checks the shape of each action. `text` is a
    reason, an answer, a note or a result.
    """

    action: Action
    actor_id: UUID | None
    request_id: str
    fingerprint: str = ""
    expected_version: int | None = None
    text: str | None = None
    text_id: UUID | None = None
    title: str | None = None
    body: str | None = None
    kind: Kind | None = None
    category: str | None = None
    importance: Annotated[int, Field(ge=1, le=5)] | None = None
    public: bool | None = None
    owner_id: UUID | None = None
    add: list[str] = []
    remove: list[str] = []
    assessment: Assessment | None = None
    verdict: Verdict | None = None
    due_at: datetime | None = None
    ticket_id: UUID | None = None
    into: UUID | None = None
    release_id: UUID | None = None
    solved: bool | None = None
    round: int | None = None


class Turn(Message):
    """What all who follow an item are told, or only those who asked for it: once each, however many they are. Nobody
    is told of their own act, unless `actor_too`."""

    kind: NoticeKind
    params: dict[str, Any] = {}
    requesters_only: bool = False
    actor_too: bool = False


class Edit(Message):
    """New contents; what is None stays as it is."""

    title: str | None = None
    body: str | None = None


class Answer(Message):
    """What one person said when they were asked whether it is solved."""

    person_id: UUID
    round: int
    solved: bool
    reason: str | None = None


class Facts(Message):
    """What only the database knows and a change had to wait for.

    `asked`, `yes` and `no` count the people of the present round, with the answer that is being given.
    """

    number: int | None = None
    requester_id: UUID | None = None
    reach: int | None = None
    policy: PolicyVersion | None = None
    asked: int = 0
    yes: int = 0
    no: int = 0


class Outcome(Message):
    """What became of a commit: the facts that it found, or, where the database was ahead of the process, the
    state that holds now. The process then takes that state and decides again."""

    facts: Facts | None = None
    state: FeedbackState | None = None


Want = Literal["requester", "policy", "answers", "state"]
"""`policy` finds the reach as well: it makes the priority, by which promises are chosen."""


class Change(Message):
    """What one commit writes, all of it in one transaction, guarded by the event number in `state`."""

    state: FeedbackState
    at: datetime
    actor_id: UUID | None = None
    submitted: Submit | None = None
    events: list[Event] = []
    ledger: list[LedgerEntry] = []
    notices: list[Notice] = []
    turns: list[Turn] = []
    comments: list[Comment] = []
    tags: tuple[list[str], list[str]] = ([], [])
    link: list[UUID] = []
    unlink: list[UUID] = []
    merge: UUID | None = None
    unmerge: UUID | None = None
    edit: Edit | None = None
    answer: Answer | None = None
    wants: list[Want] = []

    @property
    def feedback_id(self) -> UUID:
        return self.state.id


class News(Message):
    """A fact from outside that may change the process: more or fewer people want it, the promises changed, another
    item was merged into it or taken out again, a release ships it, or Temporal's store was restored.

    `version` is the other item's when that happened: of what is told twice, or late, nothing comes.
    """

    cause: Literal["reach", "policy", "merged", "unmerged", "released", "restored"]
    feedback_id: UUID | None = None
    release_id: UUID | None = None
    version: int | None = None


class FeedbackInput(Message):
    """What a feedback process starts with: an item to submit, or the state of the run before."""

    feedback_id: UUID
    submit: Submit | None = None
    state: FeedbackState | None = None
    news: list[News] = []
    history_limit: Annotated[int, Field(ge=10)] | None = None
    """Continue as new after so many events; None leaves it to the server's suggestion."""


class TellInput(Message):
    """One turn of one item, told page by page; `version` is the item's when it happened."""

    feedback_id: UUID
    version: int
    history_limit: Annotated[int, Field(ge=10)] | None = None
