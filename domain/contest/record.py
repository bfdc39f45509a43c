"""Contests, entries, assignments, standings and appeals as they leave the desk."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, field_serializer

from domain.account import Ref, Value
from domain.contest.fields import AppealState, AssignmentState, ContestRules, Status


class Contest(Value):
    """`entries` counts those that stand, `short` those for which no judge is left. `next_step*` name what happens next
    by itself."""

    id: UUID
    name: str
    description: str
    status: Status
    rules: ContestRules
    appeals_until: AwareDatetime | None
    entries: int
    participants: int
    short: int
    next_step: str | None
    next_step_at: AwareDatetime | None
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Judge(Value):
    """`active` judges can be given entries. `pending` and `scored` count those that they were given."""

    person: Ref
    active: bool
    pending: int
    scored: int


class ContestEntry(Value):
    id: UUID
    contest_id: UUID
    person: Ref
    state: str
    text: str
    links: tuple[str, ...]
    arrived_at: AwareDatetime


class _Exact(Value):
    @field_serializer("total", "means", check_fields=False)
    def _as_numbers(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: float(one) for name, one in value.items()}
        return None if value is None else float(value)


class StandingLine(_Exact):
    """One line of a standing. `means` are of the criteria; `adjustment`, in hundredths, came from appeals."""

    place: int
    rank: int | None
    entry_id: UUID
    person: Ref
    total: Decimal | None
    means: dict[str, Decimal]
    adjustment: int
    prize: str | None


class Assignment(Value):
    """What one judge has to do, or did: an entry, without the name of who entered it."""

    entry_id: UUID
    judge: Ref
    state: AssignmentState
    due_at: AwareDatetime
    scores: dict[str, int]
    comment: str | None
    scored_at: AwareDatetime | None
    text: str
    links: tuple[str, ...]


class Appeal(Value):
    id: UUID
    entry_id: UUID
    person: Ref
    state: AppealState
    reason: str
    answer: str | None
    adjustment: int
    at: AwareDatetime
    decided_at: AwareDatetime | None
