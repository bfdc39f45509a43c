"""Bulk actions: one action on many tickets, as a process of its own that tells how each of them fared."""

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.account import Ref, Value
from domain.ticket.moves import Action

LIMIT: Final = 10_000
"""Tickets of one bulk action."""

ACTIONS: Final = (
    Action.ASSIGN,
    Action.START,
    Action.REPLY,
    Action.NOTE,
    Action.WAIT,
    Action.HOLD,
    Action.RESUME,
    Action.ESCALATE,
    Action.ACKNOWLEDGE,
    Action.SET_PRIORITY,
    Action.SET_CATEGORY,
    Action.RESOLVE,
    Action.REOPEN,
    Action.CLOSE,
    Action.TAG,
    Action.WATCH,
    Action.UNWATCH,
    Action.APPLY,
)
"""What can be done to many tickets at once."""


class State(StrEnum):
    RUNNING = "running"
    CANCELLED = "cancelled"
    DONE = "done"


class ItemState(StrEnum):
    """`begun`: it is being done, and is finished even if the rest is cancelled. `refused`: the ticket did not allow
    it, or the person may not; the item says why."""

    PENDING = "pending"
    BEGUN = "begun"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Bulk(Value):
    """`counts` are items by state; they add up to `total`."""

    id: UUID
    person: Ref
    action: Action
    fields: dict[str, Any]
    state: State
    total: int
    counts: dict[ItemState, int]
    created_at: AwareDatetime
    finished_at: AwareDatetime | None


class Item(Value):
    """How one ticket fared; `code` and `detail` are those of the problem document of a refusal."""

    position: int
    ticket: Ref
    state: ItemState
    code: str | None
    detail: str | None


class DryRun(Value):
    """What a bulk action would meet now: how many tickets, and how many would refuse it, by their status."""

    total: int
    refused: dict[str, int]


class BulkInput(BaseModel):
    """What the process of a bulk action starts with."""

    model_config = ConfigDict(frozen=True)

    bulk_id: UUID
    history_limit: int | None = None
