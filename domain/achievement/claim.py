"""Prizes, and claims: the way of one prize to one member.

    asked      → approve → approved → fulfil → fulfilled → confirm → confirmed
    asked      → decline → declined
    approved   → fail    → asked        it could not be got
    fulfilled  → dispute → approved     it never came
    asked, approved                     → withdrawn, when the award is held no more

The budget of a prize is never overdrawn: an approved claim reserves what it costs, a fulfilled one has spent it, and
every way back gives it back, because both follow from the state alone (`holds`). A claim outlives its member, without
the name: what was reserved is given back then, and what was spent stays explained.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.account import Ref, Value
from domain.errors import Conflict
from domain.member.record import Message
from domain.notification.kind import Audience, Kind
from domain.notification.notice import Notice
from domain.text import Body, Line, Name

Amount = Annotated[int, Field(ge=0, le=10**12)]
"""Money in the smallest unit of its currency."""

Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class State(StrEnum):
    ASKED = "asked"
    APPROVED = "approved"
    FULFILLED = "fulfilled"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Action(StrEnum):
    APPROVE = "approve"
    DECLINE = "decline"
    FULFIL = "fulfil"
    FAIL = "fail"
    CONFIRM = "confirm"
    DISPUTE = "dispute"


MOVES: Final[Mapping[State, Mapping[Action, State]]] = {
    State.ASKED: {Action.APPROVE: State.APPROVED, Action.DECLINE: State.DECLINED},
    State.APPROVED: {Action.FULFIL: State.FULFILLED, Action.FAIL: State.ASKED},
    State.FULFILLED: {Action.CONFIRM: State.CONFIRMED, Action.DISPUTE: State.APPROVED},
}
OVER: Final = (State.CONFIRMED, State.DECLINED, State.WITHDRAWN)
_DUE: Final = {
    State.ASKED: timedelta(days=3),
    State.APPROVED: timedelta(days=14),
    State.FULFILLED: timedelta(days=14),
}
"""After which managers are reminded, and what was fulfilled counts as confirmed."""


class PrizeContents(BaseModel):
    """`cost` of one, and the `budget` for all of them."""

    model_config = ConfigDict(frozen=True)

    name: Name
    description: Body
    currency: Currency
    cost: Amount
    budget: Amount


class Prize(Value, PrizeContents):
    """`reserved` is for claims that are approved, `spent` for those that are fulfilled."""

    id: UUID
    reserved: int
    spent: int
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Claim(Value):
    """It has the id of its award. `member` is None when the person was erased; `due_at` is when managers are reminded,
    or when it counts as confirmed."""

    id: UUID
    member: Ref | None
    prize: Ref
    achievement: Ref
    state: State
    cost: int
    currency: str
    due_at: AwareDatetime | None
    version: int
    asked_at: AwareDatetime
    updated_at: AwareDatetime


class ClaimStep(Value):
    """What happened to a claim; `by` is None for what happened by itself."""

    version: int
    at: AwareDatetime
    state: State
    by: UUID | None
    note: Line | None


class ClaimDetail(Claim):
    steps: tuple[ClaimStep, ...]


class ClaimState(Message):
    """What the process of a claim knows; everything else is in the database. `event_number` is the version of the
    claim."""

    event_number: int = 0
    next_at: AwareDatetime | None = None
    over: bool = False


class ClaimInput(Message):
    """`state` is that of the run before. Every run begins by doing what is due."""

    claim_id: UUID
    state: ClaimState = ClaimState()
    runs: int = 0
    history_limit: int | None = None


class ClaimAdvance(Message):
    """Do what is due `now`."""

    claim_id: UUID
    now: AwareDatetime


class ClaimAdvanced(Message):
    state: ClaimState
    more: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does about a claim: a `domain.repetition.Request`."""

    action: Action
    by: UUID
    note: str | None
    request_id: str
    fingerprint: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """What a claim takes of its prize's budget."""

    reserved: int
    spent: int


def holds(state: State | None, cost: int) -> Holding:
    """None before there is a claim."""
    is_spent = state in (State.FULFILLED, State.CONFIRMED)
    return Holding(reserved=cost if state is State.APPROVED else 0, spent=cost if is_spent else 0)


def moved(state: State, action: Action) -> State:
    """Raises Conflict `illegal_move`."""
    allowed = MOVES.get(state, {})
    if action not in allowed:
        choice = ", ".join(allowed) or "nothing"
        raise Conflict(
            "illegal_move",
            f"A claim that is {state} cannot {action}. Allowed now: {choice}.",
            state=state,
            action=action,
            allowed=list(allowed),
        )
    return allowed[action]


def due_after(state: State, now: datetime) -> datetime | None:
    return now + _DUE[state] if state in _DUE else None


def by_itself(state: State | None, *, held: bool, is_due: bool) -> State | None:
    """What becomes of a claim without anybody's doing, given whether its award is held; None for nothing."""
    if held and state in (None, State.WITHDRAWN):
        return State.ASKED
    if not held and state in (State.ASKED, State.APPROVED):
        return State.WITHDRAWN
    return State.CONFIRMED if is_due and state is State.FULFILLED else None


def check_budget(prize: Mapping[str, Any], more: Holding) -> None:
    """Raises Conflict when the budget does not hold `more`."""
    if prize["reserved"] + prize["spent"] + more.reserved + more.spent > prize["budget"]:
        raise Conflict("budget_exceeded", "The budget of this prize does not hold another one.")


def manager_notice(claim_id: UUID, prize: str, state: State, member_id: UUID | None) -> Notice:
    """A claim waits for managers; none of them is asked about their own."""
    own = [] if member_id is None else [member_id]
    params = _params(claim_id, prize, state)
    return Notice(kind=Kind.PRIZE_WAITING, audience=[Audience.NAMED], params=params, exclude=own)


def member_notice(claim_id: UUID, prize: str, state: State) -> Notice:
    params = _params(claim_id, prize, state)
    return Notice(kind=Kind.PRIZE_MOVED, audience=[Audience.NAMED], params=params)


def _params(claim_id: UUID, prize: str, state: State) -> dict[str, str]:
    return {"claim_id": str(claim_id), "prize": prize, "state": state.value}
