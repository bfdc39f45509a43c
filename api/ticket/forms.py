"""What each action on a ticket takes, as a form, and what it does, in a line."""

from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.forms import Form
from domain.text import Body, Email, Line, Word
from domain.ticket.fields import TAGS_LIMIT, ChosenRelation, Kind, Priority, Relation
from domain.ticket.moves import Action

Tags = Annotated[list[Word], Field(max_length=TAGS_LIMIT)]


class Nothing(Form):
    """An action that needs no words."""


class Assign(Form):
    assignee: UUID


class Words(Form):
    body: Body


class Reason(Form):
    reason: Line | None = None


class Reopen(Form):
    reason: Line


class SetPriority(Form):
    priority: Priority


class SetCategory(Form):
    category: Word | None


class Resolve(Form):
    resolution: Body
    kind: Kind | None = None


class Tag(Form):
    add: Tags = []
    remove: Tags = []


class Watch(Form):
    """`person` is the caller if left out."""

    person: UUID | None = None


class Link(Form):
    ticket: UUID
    relation: ChosenRelation = Relation.RELATED


class Unlink(Form):
    ticket: UUID


class Share(Form):
    """Someone by id, or by address; an address that is new becomes a person."""

    person: UUID | None = None
    email: Email | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.person is None) == (self.email is None):
            raise PydanticCustomError("one_of", "Name a person or an email, one of them.")
        return self


class Unshare(Form):
    person: UUID


class Merge(Form):
    """`share` lets the requester follow the other ticket; it must be said where the requesters differ, because
    each then reads the public messages of both."""

    into: UUID
    share: bool = False


class Split(Form):
    """The comments that make the new ticket: the first becomes its description."""

    comments: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    subject: Line | None = None


class Apply(Form):
    macro: UUID


FORMS: Final[dict[Action, type[Form]]] = {
    Action.ASSIGN: Assign,
    Action.ACCEPT: Nothing,
    Action.START: Nothing,
    Action.REPLY: Words,
    Action.NOTE: Words,
    Action.WAIT: Nothing,
    Action.HOLD: Nothing,
    Action.RESUME: Nothing,
    Action.ESCALATE: Reason,
    Action.ACKNOWLEDGE: Nothing,
    Action.SET_PRIORITY: SetPriority,
    Action.SET_CATEGORY: SetCategory,
    Action.RESOLVE: Resolve,
    Action.REOPEN: Reopen,
    Action.CLOSE: Nothing,
    Action.TAG: Tag,
    Action.WATCH: Watch,
    Action.UNWATCH: Watch,
    Action.LINK: Link,
    Action.UNLINK: Unlink,
    Action.SHARE: Share,
    Action.UNSHARE: Unshare,
    Action.MERGE: Merge,
    Action.UNMERGE: Nothing,
    Action.SPLIT: Split,
    Action.APPLY: Apply,
}

SUMMARIES: Final = {
    Action.ASSIGN: "give the ticket to an agent.",
    Action.ACCEPT: "take the ticket, or confirm that you have it.",
    Action.START: "begin to work.",
    Action.REPLY: "answer in public; the first answer is the first response.",
    Action.NOTE: "write an internal note.",
    Action.WAIT: "wait for the requester.",
    Action.HOLD: "wait for a third party.",
    Action.RESUME: "go on after waiting.",
    Action.ESCALATE: "raise the ticket to the next tier.",
    Action.ACKNOWLEDGE: "stop the repeats of what has fired.",
    Action.SET_PRIORITY: "change the effective priority, and with it the promises.",
    Action.SET_CATEGORY: "change the category, and with it perhaps team and promises.",
    Action.RESOLVE: "answer with the resolution.",
    Action.REOPEN: "say that it is not solved.",
    Action.CLOSE: "close a resolved ticket.",
    Action.TAG: "add and remove tags.",
    Action.WATCH: "be told of what happens.",
    Action.UNWATCH: "no longer be told.",
    Action.LINK: "link another ticket.",
    Action.UNLINK: "remove a link.",
    Action.SHARE: "let somebody follow and answer the ticket like its requester.",
    Action.UNSHARE: "end that.",
    Action.MERGE: "let another ticket go on with this one's story.",
    Action.UNMERGE: "take a merged ticket out again.",
    Action.SPLIT: "make a ticket of its own out of some comments; answers with the new one.",
    Action.APPLY: "carry out a macro: all of its actions, or none.",
}
