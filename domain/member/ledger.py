"""The points ledger: what each fact changes, whatever the order in which facts arrive.

Points are a function of the set of facts alone. A fact counts unless it is void: caused by the member, taken back, or
not the first of those of which one counts. The day (UTC) on which it happened gives the sum of its counted facts, those
under the cap no more than the cap. `Book` keeps this true after every fact by rows that say what changed:

    fact       a fact and what it gives; 0 with the reason if nothing
    reversal   a fact that takes another back, and with it the points of that
    moved      another of the facts of which one counts is the one that counts now
    cap        what the day gives less than its facts, or gives back
    award      what an achievement gives, or loses again

The sum of the rows is the sum of the days, and each day follows from sums, so the order cancels out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from domain.account import Value
from domain.member.fact import Fact, Void


class Kind(StrEnum):
    FACT = "fact"
    REVERSAL = "reversal"
    MOVED = "moved"
    CAP = "cap"
    AWARD = "award"


@dataclass(frozen=True, slots=True)
class Row:
    """A row to be written. `about` is the fact whose points it gives or takes, where that is another than its own;
    `reason` says why it is not what the rules say."""

    kind: Kind
    points: int
    day: date
    action: str | None = None
    fact_id: str | None = None
    about: str | None = None
    reason: str | None = None
    rules: int | None = None
    award_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """What a day gives: `gross` of capped actions, `free` of others, and the cap of the latest rules under which a
    fact of that day was received."""

    gross: int = 0
    free: int = 0
    cap: int | None = None
    rules: int = -1

    @property
    def held_back(self) -> int:
        return 0 if self.cap is None else max(0, self.gross - self.cap)

    @property
    def points(self) -> int:
        return self.gross - self.held_back + self.free


@dataclass(frozen=True, slots=True)
class Known:
    """What was counted before and matters for the facts that come now: those they take back, those that took them
    back, those of which one counts, and the days that any of these happened on."""

    facts: list[Fact] = field(default_factory=list)
    days: dict[date, Day] = field(default_factory=dict)


class Book:
    """Takes facts one by one. `rows` are what is to be written, `voids` the facts whose void is another than they
    came with, `days` the days that changed, as they are then."""

    def __init__(self, known: Known) -> None:
        self.rows: list[Row] = []
        self.voids: dict[str, Void | None] = {}
        self.days: dict[date, Day] = {}
        self._before = known.days
        self._facts: dict[str, Fact] = {}
        self._reversed: set[str] = set()
        self._once: dict[str, list[Fact]] = {}
        for fact in known.facts:
            self._remember(fact)

    def take(self, facts: Iterable[Fact]) -> None:
        """The facts in the order of their arrival, and then what the days hold back of them."""
        for fact in facts:
            if fact.reverses is None:
                self._count(fact)
            else:
                self._reverse(fact, fact.reverses)
            self._remember(fact)
        for day in sorted(self.days):
            more = self.days[day].held_back - self._before.get(day, Day()).held_back
            if more:
                self.rows.append(Row(Kind.CAP, -more, day, reason="daily_cap"))

    def award(self, points: int, day: date, award_id: UUID, reason: str | None = None) -> None:
        """Points of an achievement are outside the cap; negative ones are lost again."""
        self.rows.append(Row(Kind.AWARD, points, day, reason=reason, award_id=award_id))
        known = self._day(day)
        self.days[day] = replace(known, free=known.free + points)

    @property
    def points(self) -> int:
        """What all rows together give."""
        return sum(row.points for row in self.rows)

    def _count(self, fact: Fact) -> None:
        first = self._counted(fact.once)
        if fact.void is None and fact.fact_id in self._reversed:
            self.voids[fact.fact_id] = Void.REVERSED
        elif fact.void is None and first is not None and first.order < fact.order:
            self.voids[fact.fact_id] = Void.REPEATED
        void = self._void(fact)
        day = self._day(fact.day)
        if fact.rules > day.rules:
            self.days[fact.day] = replace(day, cap=fact.cap, rules=fact.rules)
        self._book(Kind.FACT, fact.worth if void is None else 0, fact, cause=fact, reason=void)
        if void is None and first is not None:
            self.voids[first.fact_id] = Void.REPEATED
            self._book(Kind.MOVED, -first.worth, first, reason=Void.REPEATED)

    def _reverse(self, reversal: Fact, reverses: str) -> None:
        target, again = self._facts.get(reverses), reverses in self._reversed
        if target is None or again or target.reverses is not None:
            reason = "repeated" if again else "not_here_yet" if target is None else "gave_nothing"
            row = Row(Kind.REVERSAL, 0, reversal.day, reversal.action, reversal.fact_id, reverses, reason)
            self.rows.append(row)
            return
        counted = self._void(target) is None
        if self._void(target) is not Void.OWN:
            self.voids[target.fact_id] = Void.REVERSED
        points, why = (-target.worth, None) if counted else (0, "gave_nothing")
        self._book(Kind.REVERSAL, points, target, cause=reversal, reason=why)
        alike = self._once.get(target.once or "", ())
        others = [fact for fact in alike if self._void(fact) is Void.REPEATED]
        if counted and others:
            following = min(others, key=lambda fact: fact.order)
            self.voids[following.fact_id] = None
            self._book(Kind.MOVED, following.worth, following)

    def _book(
        self, kind: Kind, points: int, about: Fact, *, cause: Fact | None = None, reason: str | None = None
    ) -> None:
        """A row, and the day on which `about` happened; `cause` is the fact that is told of by it."""
        fact_id = None if cause is None else cause.fact_id
        other = None if cause is about else about.fact_id
        self.rows.append(Row(kind, points, about.day, about.action, fact_id, other, reason, about.rules))
        day = self._day(about.day)
        if about.capped:
            self.days[about.day] = replace(day, gross=day.gross + points)
        else:
            self.days[about.day] = replace(day, free=day.free + points)

    def _day(self, day: date) -> Day:
        return self.days.get(day) or self._before.get(day) or Day()

    def _counted(self, once: str | None) -> Fact | None:
        """The one that counts of those of which one counts."""
        return next((fact for fact in self._once.get(once or "", ()) if self._void(fact) is None), None)

    def _remember(self, fact: Fact) -> None:
        self._facts[fact.fact_id] = fact
        if fact.reverses is not None:
            self._reversed.add(fact.reverses)
        if fact.once is not None:
            self._once.setdefault(fact.once, []).append(fact)

    def _void(self, fact: Fact) -> Void | None:
        """Why it gives nothing, as far as is known by now."""
        return self.voids.get(fact.fact_id, fact.void)


class Entry(Value):
    """A row as it is shown."""

    id: int
    at: datetime
    kind: Kind
    points: int
    day: date
    action: str | None
    fact_id: str | None
    about: str | None
    reason: str | None
    rules: int | None
