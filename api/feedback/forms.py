"""What each action on feedback takes, as a form, and what it does, in a line."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from api.forms import Form, Instant, absent
from domain.feedback.fields import Assessment, Kind, Verdict
from domain.feedback.moves import Action
from domain.text import Body, Line, Word
from domain.ticket.fields import REASON_LIMIT, TAGS_LIMIT

Tags = Annotated[list[Word], Field(max_length=TAGS_LIMIT)]
Importance = Annotated[int, Field(ge=1, le=5)]
Explanation = Annotated[Body, Field(max_length=REASON_LIMIT)]


class Nothing(Form):
    """An action that needs no words."""


class Triage(Form):
    """What is left out stays as it was guessed. `public` lets everybody read it and vote; complaints are not
    unless it is said."""

    category: Word | None = None
    kind: Kind | None = None
    importance: Importance | None = None
    public: bool | None = None
    owner: UUID | None = None
    add: Tags = []
    remove: Tags = []


class Assign(Form):
    owner: UUID


class Delegate(Form):
    assessment: Assessment
    owner: UUID
    due_at: Instant | None = None


class Assess(Form):
    assessment: Assessment
    verdict: Verdict
    result: Body


class Reason(Form):
    reason: Explanation


class Words(Form):
    reason: Explanation | None = None


class Message(Form):
    body: Body


class Confirm(Form):
    """Whether it is solved; a no says why."""

    solved: bool
    reason: Explanation | None = None


class Merge(Form):
    into: UUID


class Edit(Form):
    title: Line = Field(default_factory=absent)
    body: Body = Field(default_factory=absent)
    kind: Kind = Field(default_factory=absent)
    category: Word = Field(default_factory=absent)
    public: bool = Field(default_factory=absent)


class Tag(Form):
    add: Tags = []
    remove: Tags = []


class Link(Form):
    ticket: UUID


FORMS: Final[dict[Action, type[Form]]] = {
    Action.TRIAGE: Triage,
    Action.ASSIGN: Assign,
    Action.DELEGATE: Delegate,
    Action.ASSESS: Assess,
    Action.PLAN: Words,
    Action.DECLINE: Reason,
    Action.START: Nothing,
    Action.SHIP: Words,
    Action.CONFIRM: Confirm,
    Action.VERIFY: Nothing,
    Action.CLOSE: Nothing,
    Action.REOPEN: Reason,
    Action.MERGE: Merge,
    Action.UNMERGE: Nothing,
    Action.ANSWER: Message,
    Action.NOTE: Message,
    Action.EDIT: Edit,
    Action.TAG: Tag,
    Action.LINK: Link,
    Action.UNLINK: Link,
    Action.ACKNOWLEDGE: Nothing,
}

SUMMARIES: Final = {
    Action.TRIAGE: "confirm or correct what was guessed.",
    Action.ASSIGN: "make somebody its owner.",
    Action.DELEGATE: "ask somebody for one of the four assessments.",
    Action.ASSESS: "give one of the four assessments; the last leads to the decision.",
    Action.PLAN: "decide that it will be done.",
    Action.DECLINE: "decide that it will not be done, and say why to all.",
    Action.START: "begin to work on it.",
    Action.SHIP: "say that it is there, thank all, and ask whether it is solved.",
    Action.CONFIRM: "say, as somebody who asked for it, whether it is solved.",
    Action.VERIFY: "say, as staff, that it is solved.",
    Action.CLOSE: "close what is verified.",
    Action.REOPEN: "take it up again.",
    Action.MERGE: "let another item go on with this one's followers.",
    Action.UNMERGE: "take a merged item out again; it goes on where it was.",
    Action.ANSWER: "answer in public; all who follow it are told.",
    Action.NOTE: "write an internal note.",
    Action.EDIT: "change title, text, kind, category, or who may read it.",
    Action.TAG: "add and remove tags.",
    Action.LINK: "link a ticket; its requester is told of every turn from then on.",
    Action.UNLINK: "remove that link.",
    Action.ACKNOWLEDGE: "stop the repeats of what has fired.",
}
