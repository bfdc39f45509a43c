"""Comparing processes with the database that mirrors them: what can differ, and what is done about it."""

from enum import StrEnum
from typing import Final, Literal, get_args
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.account import Value

SHARE: Final = 24
"""An ordinary run asks one of so many processes itself, another share each hour."""


Of = Literal["ticket", "feedback", "contest"]
"""What has a process that the database mirrors, in the order in which a run looks at it."""

_ORDER: Final[tuple[Of, ...]] = get_args(Of)


class Kind(StrEnum):
    """`lost`: there is no process any more; it is started again. `behind`: the process knows less than the
    database, because Temporal was restored; it is told to look. `ahead`: the database knows less than the process,
    because it was restored; people have to decide which of the two is right."""

    LOST = "lost"
    BEHIND = "behind"
    AHEAD = "ahead"


class Finding(Value):
    """Something that differed, of a ticket or of feedback, with its number, or of a contest; `healed_at` is when it was
    found to be right again."""

    kind: Kind
    of: Of
    ticket_id: UUID | None
    feedback_id: UUID | None
    contest_id: UUID | None
    number: int | None
    detail: str
    found_at: AwareDatetime
    healed_at: AwareDatetime | None


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class Totals(Message):
    """What a run has seen so far."""

    checked: int = 0
    asked: int = 0
    lost: int = 0
    behind: int = 0
    ahead: int = 0

    def plus(self, other: "Totals") -> "Totals":
        return Totals(**{name: getattr(self, name) + getattr(other, name) for name in Totals.model_fields})


class ReconciliationInput(Message):
    """A `full` run asks every process, and repeats all requests to the durable side: for after a loss."""

    full: bool = False
    of: Of = "ticket"
    after: UUID | None = None
    totals: Totals = Totals()
    history_limit: int | None = None


class Page(Message):
    """One page of tickets, feedback or contests with a process: those behind `after`; of an ordinary run those whose
    turn it is this `hour` are asked."""

    full: bool
    after: UUID | None
    hour: int
    of: Of = "ticket"


class PageSeen(Message):
    """`last` is None when there are no more of these; `then` is what comes after them."""

    last: UUID | None
    then: Of | None = None
    totals: Totals


def next_of(of: Of) -> Of | None:
    """What comes after the last of these."""
    return next(iter(_ORDER[_ORDER.index(of) + 1 :]), None)


def is_asked(record_id: UUID, page: Page) -> bool:
    """Whether the process itself is asked; that it exists is looked up for all."""
    return page.full or record_id.int % SHARE == page.hour % SHARE


def compare(in_process: int, in_database: int) -> Kind | None:
    """What two event numbers of one process tell."""
    if in_process == in_database:
        return None
    return Kind.BEHIND if in_process < in_database else Kind.AHEAD
