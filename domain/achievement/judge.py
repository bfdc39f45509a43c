"""The decision on one member: what is awarded and taken back, what is warned of, and what is over.

Achievements may ask for each other: they are judged until nothing changes, each changing at most once. What is to be
found in facts is asked for by `measures`, and found by `storage/achievement/measure.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.achievement.criteria import Evidence, Measure, dependencies, in_order, terms_of
from domain.achievement.record import (
    AwardState,
    PointsReward,
    Repeat,
    Reward,
    Rule,
    award_id,
    award_notice,
    judged,
    warn_at,
)
from domain.member.ledger import Book
from domain.member.record import is_due
from domain.member.rules import Rules
from domain.notification.kind import Kind
from domain.notification.notice import Notice


@dataclass(slots=True)
class Held:
    """One occasion as it stands. `day` is the day on which its points are booked; `warn_at` is None when its holder
    was told that it expires."""

    id: UUID
    achievement_id: UUID
    occurrence: int
    state: AwardState
    points: int
    day: date
    name: str
    warn_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def next_at(self) -> datetime | None:
        """When something is to be done about it."""
        return (self.warn_at or self.expires_at) if self.state is AwardState.HELD else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An achievement that may be awarded or taken back, and what it gives."""

    rule: Rule
    version: int
    reward: Reward

    @property
    def points(self) -> int:
        return self.reward.value if isinstance(self.reward, PointsReward) else 0


Having = dict[UUID, dict[int, Held]]
"""Occasions by achievement and number."""


@dataclass(slots=True)
class Judge:
    """Judges one member. `points` are those that facts gave: what achievements gave makes no other one due, or it would
    matter which facts came first. `losing` says that facts were taken back. What it decides is in `changed` (with the
    candidate, for what is awarded), in `notices` with their keys, and in the book; `unfinished` are achievements of
    which more is to be awarded."""

    member_id: UUID
    now: datetime
    rules: Rules
    points: int
    book: Book
    losing: bool
    held: Having
    candidates: list[Candidate]
    changed: dict[UUID, tuple[Held, Candidate | None]] = field(default_factory=dict)
    notices: list[tuple[Notice, str]] = field(default_factory=list)
    unfinished: set[UUID] = field(default_factory=set)

    def settle(self) -> None:
        """What is due by now: warnings, and the end of what expires."""
        for held in self._all():
            if held.state is AwardState.HELD and is_due(held.expires_at, self.now):
                self._end(held, AwardState.EXPIRED, Kind.ACHIEVEMENT_EXPIRED, f"award:{held.id}:expired")
            elif held.state is AwardState.HELD and is_due(held.warn_at, self.now):
                held.warn_at = None
                self._tell(held, Kind.ACHIEVEMENT_EXPIRES, f"award:{held.id}:expires")
                self._change(held)

    @property
    def next_at(self) -> datetime | None:
        """The nearest of all that will be due."""
        due = (held.next_at for held in self._all())
        return min((at for at in due if at is not None), default=None)

    def measures(self) -> list[Measure]:
        """What has to be known of the facts."""
        return [term.measure for one in self._open() for term in terms_of(one.rule.criteria)]

    def judge(self, found: Callable[[Measure], int]) -> None:
        evidence = Evidence(self.points, self.rules, self._times, found)
        waiting, moved = self._open(), True
        while waiting and moved:
            changed = [one for one in waiting if self._judge(one, evidence)]
            waiting = [one for one in waiting if one not in changed]
            moved = bool(changed)

    def _all(self) -> Iterator[Held]:
        for having in self.held.values():
            yield from having.values()

    def _open(self) -> list[Candidate]:
        """Those whose standing may change, each behind those that it asks for."""
        found = {one.rule.id: one for one in self.candidates if not self._is_settled(one.rule)}
        order = in_order({id_: dependencies(one.rule.criteria) for id_, one in found.items()})
        return [found[one] for one in order]

    def _is_settled(self, rule: Rule) -> bool:
        having = self.held.get(rule.id, {}).get(1)
        is_held = having is not None and having.state is AwardState.HELD
        may_be_lost = rule.revocable and (self.losing or not rule.is_rising)
        return rule.repeat is Repeat.ONCE and is_held and not may_be_lost

    def _judge(self, one: Candidate, evidence: Evidence) -> bool:
        """Whether anything changed."""
        having = self.held.setdefault(one.rule.id, {})
        states = {number: held.state for number, held in having.items()}
        verdict = judged(one.rule, evidence.value, states, self.rules)
        for number in verdict.award:
            self._award(one, number, having)
        if verdict.more:
            self.unfinished.add(one.rule.id)
        for number in verdict.revoke:
            lost = having[number]
            key = f"award:{lost.id}:revoked:{self.now.isoformat()}"
            self._end(lost, AwardState.REVOKED, Kind.ACHIEVEMENT_REVOKED, key)
        return bool(verdict.award or verdict.revoke)

    def _award(self, one: Candidate, number: int, having: dict[int, Held]) -> None:
        """For the first time, or again: then on the day, with the points and until the end of the first time."""
        known = having.get(number)
        held = having[number] = known or self._new(one, number)
        held.state = AwardState.HELD
        if held.points:
            self.book.award(held.points, held.day, held.id, None if known is None else "restored")
        self._tell(held, Kind.ACHIEVEMENT_AWARDED, f"award:{held.id}")
        self._change(held, one)

    def _new(self, one: Candidate, number: int) -> Held:
        made = Held(
            id=award_id(self.member_id, one.rule.id, number),
            achievement_id=one.rule.id,
            occurrence=number,
            state=AwardState.HELD,
            points=one.points,
            day=self.now.date(),
            name=one.rule.name,
        )
        if one.reward.expires_after is not None:
            made.expires_at = self.now + one.reward.expires_after
            made.warn_at = warn_at(self.now, made.expires_at)
        return made

    def _end(self, held: Held, state: AwardState, kind: Kind, key: str) -> None:
        held.state = state
        if held.points:
            self.book.award(-held.points, held.day, held.id, state.value)
        self._tell(held, kind, key)
        self._change(held)

    def _tell(self, held: Held, kind: Kind, key: str) -> None:
        due_at = held.expires_at if kind is Kind.ACHIEVEMENT_EXPIRES else None
        self.notices.append((award_notice(kind, held.name, held.id, due_at), key))

    def _change(self, held: Held, one: Candidate | None = None) -> None:
        _, known = self.changed.get(held.id, (held, None))
        self.changed[held.id] = held, one or known

    def _times(self, achievement_id: UUID) -> int:
        """Occasions of another achievement that were not taken back."""
        return sum(one.state is not AwardState.REVOKED for one in self.held.get(achievement_id, {}).values())


def given_by(held: Having) -> int:
    """The points of all that is held."""
    return sum(
        one.points for having in held.values() for one in having.values() if one.state is AwardState.HELD
    )


def kept(held: Held, one: Candidate | None, now: datetime) -> Mapping[str, Any]:
    """An occasion as a row; of one that is there, only its standing is written."""
    return {
        "id": held.id,
        "achievement_id": held.achievement_id,
        "version": 0 if one is None else one.version,
        "reward": {} if one is None else one.reward.model_dump(mode="json"),
        "occurrence": held.occurrence,
        "state": held.state,
        "points": held.points,
        "day": held.day,
        "at": now,
        "warn_at": held.warn_at,
        "expires_at": held.expires_at,
    }
