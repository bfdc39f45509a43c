"""Judging a member: what is held in the end is a function of the facts, in whatever order and pages they come."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.achievement.criteria import Measure, Metric, parse
from domain.achievement.judge import Candidate, Having, Judge, given_by
from domain.achievement.record import AwardState, BadgeReward, PointsReward, Repeat, Reward, Rule
from domain.member.fact import Fact
from domain.member.rules import DEFAULT
from tests.domain.member.test_ledger import MONDAY, Desk, fact, histories

EACH, RICH, TWICE, STREAK, FEW, LASTING = (UUID(int=number) for number in range(1, 7))


def points(value: int) -> Reward:
    return PointsReward(type="points", value=value)


def candidate(achievement: UUID, reward: Reward, **fields: Any) -> Candidate:
    repeat, revocable = fields.pop("repeat", Repeat.ONCE), fields.pop("revocable", True)
    criteria = parse({"operator": ">=", **fields}, DEFAULT)
    return Candidate(Rule(achievement, "For a test", criteria, repeat, revocable), 1, reward)


CANDIDATES: Final = [
    candidate(TWICE, points(1000), metric="achievement", of=str(EACH), threshold=2),
    candidate(RICH, points(50), metric="points", threshold=20),
    candidate(EACH, points(3), metric="count", action="post_created", threshold=2, repeat=Repeat.EACH),
    candidate(STREAK, BadgeReward(type="badge"), metric="streak", threshold=2),
    candidate(FEW, points(1), metric="count", operator="<=", threshold=3),
]


class Contributor(Desk):
    """Commits with awards, as `storage/member/commit.py` makes them; each an hour after the one before."""

    def __init__(self, candidates: list[Candidate] = CANDIDATES) -> None:
        super().__init__()
        self.candidates, self.held = candidates, Having()
        self.now = MONDAY
        self.told: list[str] = []

    def commit(self, page: Sequence[Fact]) -> None:
        self.now += timedelta(hours=1)
        book = self.counted(page)
        losing = bool(book.voids) or any(row.points < 0 for row in book.rows)
        plain = self.points + book.points - given_by(self.held)
        judge = Judge(UUID(int=9), self.now, DEFAULT, plain, book, losing, self.held, self.candidates)
        judge.settle()
        judge.judge(self.found)
        self.told += [key for _, key in judge.notices]
        self.keep(book)

    def found(self, asked: Measure) -> int:
        counted = [one for one in self.facts.values() if one.void is None and one.reverses is None]
        if asked.metric is Metric.STREAK:
            return streak({one.day for one in counted})
        return sum(asked.action in (None, one.action) for one in counted)

    def holding(self) -> set[tuple[UUID, int]]:
        return {
            (achievement, number)
            for achievement, having in self.held.items()
            for number, one in having.items()
            if one.state is AwardState.HELD
        }


def streak(days: set[date]) -> int:
    lengths = [0]
    for day in days:
        length = 1
        while day + timedelta(days=length) in days:
            length += 1
        lengths.append(length)
    return max(lengths)


@given(histories().filter(bool), st.data())
def test_what_is_held_in_the_end_does_not_depend_on_order_and_pages(
    facts: list[Fact], data: st.DataObject
) -> None:
    at_once, bit_by_bit = Contributor(), Contributor()
    at_once.commit(facts)
    arriving = data.draw(st.permutations(facts))
    while arriving:
        size = data.draw(st.integers(1, len(arriving)))
        bit_by_bit.commit(arriving[:size])
        arriving = arriving[size:]
    assert bit_by_bit.holding() == at_once.holding()
    assert bit_by_bit.points == at_once.points
    for contributor in (at_once, bit_by_bit):
        assert sum(day.points for day in contributor.days.values()) == contributor.points
        for having in contributor.held.values():
            for one in having.values():
                gives = sum(row.points for row in contributor.rows if row.award_id == one.id)
                assert gives == (one.points if one.state is AwardState.HELD else 0)


def posts(*fact_ids: str) -> list[Fact]:
    return [fact(one, at=MONDAY + timedelta(days=number)) for number, one in enumerate(fact_ids)]


def test_achievements_follow_each_other_in_one_commit() -> None:
    one = Contributor()
    one.commit(posts("a", "b", "c", "d"))
    assert one.holding() == {(EACH, 1), (EACH, 2), (TWICE, 1), (RICH, 1), (STREAK, 1)}
    one.commit([fact("undo", reverses="d", worth=0)])
    assert one.holding() == {(EACH, 1), (RICH, 1), (STREAK, 1), (FEW, 1)}


def test_what_is_over_is_told_once_and_not_given_again() -> None:
    reward = BadgeReward(type="badge", expires_after=timedelta(hours=10))
    one = Contributor([candidate(LASTING, reward, metric="count", threshold=1)])
    one.commit(posts("a"))
    for _ in range(12):
        one.commit([])
    one.commit(posts("b", "c"))
    assert one.holding() == set()
    (held,) = one.held[LASTING].values()
    assert one.told == [f"award:{held.id}{what}" for what in ("", ":expires", ":expired")]
    assert held.state is AwardState.EXPIRED
