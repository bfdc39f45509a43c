"""Who gets a ticket: skill, then tier, then the least load, then the longest idle. Never an absent or full agent.

The choice is pure; that two tickets created at the same moment cannot both take the last place is the
business of the transaction that reads the candidates under a lock (`storage/assignment.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

_NEVER = datetime.min.replace(tzinfo=UTC)


class WaitingReason(StrEnum):
    """Why a ticket waits: nobody does this work, everybody is away, or everybody is full."""

    NO_AGENT = "no_agent"
    ALL_ABSENT = "all_absent"
    ALL_FULL = "all_full"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An active agent of the ticket's team. `tickets` counts what they work on now, `load` weighs it by
    priority; `idle_since` is when they were last given a ticket."""

    id: UUID
    tier: int
    skills: frozenset[str]
    capacity: int
    tickets: int
    load: int
    idle_since: datetime | None
    absent: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the ticket needs: `tier` is the lowest tier that may take it, `category` a skill to prefer."""

    tier: int
    category: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Exactly one of `agent` and `reason` is set."""

    agent: Candidate | None
    reason: WaitingReason | None


def choose(candidates: Sequence[Candidate], wanted: Wanted) -> Choice:
    """The agent for a ticket, or why it waits.

    If anyone able has the ticket's category as a skill, only those are asked: a skilled agent who is full is
    worth waiting for. A higher tier helps out only when the wanted tier has no room.
    """
    able = [one for one in candidates if one.tier >= wanted.tier]
    able = [one for one in able if wanted.category in one.skills] or able
    if not able:
        return Choice(None, WaitingReason.NO_AGENT)
    present = [one for one in able if not one.absent]
    if not present:
        return Choice(None, WaitingReason.ALL_ABSENT)
    free = [one for one in present if one.tickets < one.capacity]
    if not free:
        return Choice(None, WaitingReason.ALL_FULL)
    return Choice(_first(free), None)


def _first(free: Iterable[Candidate]) -> Candidate:
    return min(free, key=lambda one: (one.tier, one.load, one.idle_since or _NEVER, one.id))
