"""Members as they are shown, leaderboards, and the messages of a member's process."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.account import Ref, Value
from domain.member.rules import Level, RulesContents
from domain.notification.kind import Audience, Kind
from domain.notification.notice import Notice

PAGE: Final = 500
"""Facts that one commit takes."""

LINGER: Final = timedelta(days=1)
"""How long a process without anything to wait for stays, so that the next facts need not start it."""


class Window(StrEnum):
    """Days, weeks (from Monday) and months of UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ALL = "all"


EVER: Final = date(1970, 1, 1)


def begin_of(window: Window, day: date) -> date:
    """The first day of the window that `day` is in."""
    match window:
        case Window.DAY:
            return day
        case Window.WEEK:
            return day - timedelta(days=day.weekday())
        case Window.MONTH:
            return day.replace(day=1)
        case Window.ALL:
            return EVER


class LevelReached(Value):
    name: str
    reached_at: AwareDatetime


class NextLevel(Level):
    missing: int


class Member(Value):
    """`rank` is dense: one more than how many different scores are higher; None for who is not listed or has no
    points. `levels` are all that were ever reached, also when points were lost again."""

    id: UUID
    name: str
    points: int
    level: Level
    next_level: NextLevel | None
    rank: int | None
    listed: bool
    levels: tuple[LevelReached, ...]
    pending: bool


class Standing(Value):
    """One line of a leaderboard."""

    rank: int
    member: Ref
    points: int
    level: str


@dataclass(frozen=True, slots=True)
class Score:
    member_id: UUID
    name: str
    points: int
    total: int


def standings(scores: Sequence[Score], rules: RulesContents, after: tuple[int, int] | None) -> list[Standing]:
    """Dense ranks of `scores`, highest first, going on from the rank and points `after`."""
    rank, points = (0, None) if after is None else after
    found = []
    for score in scores:
        if score.points != points:
            rank, points = rank + 1, score.points
        member = Ref(id=score.member_id, name=score.name)
        level = rules.level(score.total).name
        found.append(Standing(rank=rank, member=member, points=score.points, level=level))
    return found


def next_level(rules: RulesContents, points: int) -> NextLevel | None:
    level = rules.next_level(points)
    if level is None:
        return None
    return NextLevel(name=level.name, threshold=level.threshold, missing=level.threshold - points)


def levels_reached(rules: RulesContents, points: int, known: Iterable[str]) -> list[Level]:
    """Those that are reached now and never were, the lowest first. Nobody hears of the one that all begin with."""
    before = frozenset(known)
    return [level for level in rules.levels if 0 < level.threshold <= points and level.name not in before]


def level_notice(level: Level, points: int) -> Notice:
    params = {"level": level.name, "points": points}
    return Notice(kind=Kind.LEVEL_REACHED, audience=[Audience.NAMED], params=params)


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class MemberState(Message):
    """What a member's process knows; everything else is in the database. `event_number` grows by one with each
    commit that changed something."""

    member_id: UUID
    event_number: int = 0
    points: int = 0
    next_at: AwareDatetime | None = None


class MemberInput(Message):
    """`state` is that of the run before. Every run begins by taking what is new, whoever asked for it."""

    member_id: UUID
    state: MemberState | None = None
    runs: int = 0
    linger: timedelta = LINGER
    history_limit: int | None = None


class Advance(Message):
    """Take what is new, and do what is due `now`."""

    member_id: UUID
    now: AwareDatetime


class Advanced(Message):
    """`more`: there are more facts than one commit takes."""

    state: MemberState
    more: bool


def is_due(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now
