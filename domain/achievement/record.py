"""Achievements and awards as they are kept and shown, and the decision what is to be awarded or taken back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.account import Ref, Value
from domain.achievement.criteria import Criteria, Measure, is_met, is_rising, multiples
from domain.duration import PositiveDuration
from domain.member.rules import RulesContents
from domain.notification.kind import Audience, Kind
from domain.notification.notice import Notice

ACTIVE_MAX: Final = 500
"""Achievements that are active at the same time."""

AT_ONCE: Final = 1000
"""Occasions of one achievement that one commit awards."""

WARNING: Final = timedelta(days=7)

_AWARDS: Final = UUID("6f0e6a53-0d6b-5e0a-8a3e-1f4b8d0c2a77")


class State(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


class Repeat(StrEnum):
    ONCE = "once"
    EACH = "each"


class AwardState(StrEnum):
    HELD = "held"
    REVOKED = "revoked"
    EXPIRED = "expired"


class RewardContents(BaseModel):
    """With `expires_after` it is held so long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expires_after: PositiveDuration | None = None


class BadgeReward(RewardContents):
    """A badge to show."""

    type: Literal["badge"]


class PointsReward(RewardContents):
    """Points outside the daily cap. When they expire, they are taken back."""

    type: Literal["points"]
    value: Annotated[int, Field(ge=1, le=100_000)]


class PrizeReward(RewardContents):
    """One of a prize; its claim is withdrawn if the award ends before it is fulfilled."""

    type: Literal["prize"]
    prize: UUID


Reward = Annotated[BadgeReward | PointsReward | PrizeReward, Field(discriminator="type")]


class Achievement(Value):
    """`repeat`: awarded once, or each time the threshold is reached again. `revocable`: taken back when facts that
    were taken back leave the criteria unmet."""

    id: UUID
    name: str
    description: str
    criteria: dict[str, Any]
    reward: Reward
    repeat: Repeat
    revocable: bool
    state: State
    version: int
    created_at: AwareDatetime
    updated_at: AwareDatetime
    activated_at: AwareDatetime | None
    awarded: int


class Award(Value):
    """An achievement of a member; `occurrence` counts from 1."""

    id: UUID
    achievement: Ref
    description: str
    occurrence: int
    reward: Reward
    state: AwardState
    awarded_at: AwareDatetime
    revoked_at: AwareDatetime | None
    expires_at: AwareDatetime | None


class Met(Value):
    """A member who meets criteria now, and how many times."""

    member: Ref
    occurrences: int


class Previewed(Value):
    """The last line of a preview."""

    checked: int
    met: int


class BackfillState(StrEnum):
    RUNNING = "running"
    CANCELLED = "cancelled"
    DONE = "done"


class Backfill(Value):
    """Looking at everybody for an achievement. `met`: members who meet it; `asked`: those of them whose process was
    asked to award it, none in a dry run."""

    id: UUID
    achievement_id: UUID
    dry_run: bool
    state: BackfillState
    checked: int
    met: int
    asked: int
    created_at: AwareDatetime
    finished_at: AwareDatetime | None


class BackfillInput(BaseModel):
    """What the process of a backfill starts with."""

    model_config = ConfigDict(frozen=True)

    backfill_id: UUID
    history_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What deciding needs to know of an active achievement."""

    id: UUID
    name: str
    criteria: Criteria
    repeat: Repeat
    revocable: bool

    @property
    def is_rising(self) -> bool:
        return is_rising(self.criteria)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Occurrences that are awarded now, for the first time or again, and those that are taken back; `more` says that
    there are more to be awarded than one commit does."""

    award: tuple[int, ...] = ()
    revoke: tuple[int, ...] = ()
    more: bool = False


def occurrences(rule: Rule, value_of: Callable[[Measure], int], rules: RulesContents) -> int:
    """How many times the criteria are met."""
    if rule.repeat is Repeat.EACH:
        return multiples(rule.criteria, value_of)
    return int(is_met(rule.criteria, value_of, rules))


def judged(
    rule: Rule, value_of: Callable[[Measure], int], held: Mapping[int, AwardState], rules: RulesContents
) -> Verdict:
    """What becomes of one achievement of a member who holds these occurrences. What has expired is not given again."""
    count = occurrences(rule, value_of, rules)
    having = [number for number, state in held.items() if state is AwardState.HELD]
    over = [number for number, state in held.items() if state is AwardState.EXPIRED]
    given = {*having, *over}
    missing = [number for number in range(1, count + 1) if number not in given]
    surplus = sorted(number for number in having if number > count) if rule.revocable else []
    return Verdict(tuple(missing[:AT_ONCE]), tuple(surplus), len(missing) > AT_ONCE)


def award_id(member_id: UUID, achievement_id: UUID, occurrence: int) -> UUID:
    """The same occasion is the same award, whoever decides on it and how often."""
    return uuid5(_AWARDS, f"{member_id}\n{achievement_id}\n{occurrence}")


def award_notice(kind: Kind, name: str, award: UUID, due_at: datetime | None = None) -> Notice:
    params = {"achievement": name, "award_id": str(award)}
    if due_at is not None:
        params["due_at"] = due_at.isoformat()
    return Notice(kind=kind, audience=[Audience.NAMED], params=params)


def warn_at(awarded_at: datetime, expires_at: datetime) -> datetime:
    """A week before it expires; what is held no longer than two weeks is warned of in the middle."""
    return max(expires_at - WARNING, awarded_at + (expires_at - awarded_at) / 2)
