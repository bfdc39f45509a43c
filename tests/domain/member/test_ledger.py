"""The ledger: its sum is a function of the facts alone, whatever the order and the pages in which they come."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from domain.member.fact import Fact, Void
from domain.member.ledger import Book, Day, Kind, Known, Row

MONDAY: Final = datetime(2026, 11, 16, 12, tzinfo=UTC)
CAP: Final = 20


def fact(fact_id: str, **fields: Any) -> Fact:
    values: dict[str, Any] = {
        "action": "post_created",
        "at": MONDAY,
        "reverses": None,
        "worth": 10,
        "capped": True,
        "once": None,
        "cap": CAP,
        "rules": 0,
        "void": None,
        **fields,
    }
    return Fact(fact_id=fact_id, **values)


class Desk:
    """What is kept between pages, as `storage/member/commit.py` keeps it: only what matters is handed back."""

    def __init__(self) -> None:
        self.facts: dict[str, Fact] = {}
        self.days: dict[date, Day] = {}
        self.rows: list[Row] = []

    def take(self, page: Iterable[Fact]) -> None:
        facts = list(page)
        book = self.counted(facts)
        self.keep(book)

    def counted(self, facts: Sequence[Fact]) -> Book:
        """What is known then of the facts; the rows and days are still to be kept."""
        ids = {one.fact_id for one in facts}
        taken_back = {one.reverses for one in facts}
        related = [
            one
            for one in self.facts.values()
            if one.fact_id in taken_back or one.reverses in ids | taken_back
        ]
        onces = {one.once for one in (*facts, *related)} - {None}
        related += [one for one in self.facts.values() if one.once in onces and one not in related]
        book = Book(Known(related, dict(self.days)))
        book.take(facts)
        self.facts |= {one.fact_id: one for one in facts}
        for fact_id, void in book.voids.items():
            self.facts[fact_id] = replace(self.facts[fact_id], void=void)
        return book

    def keep(self, book: Book) -> None:
        self.rows += book.rows
        self.days |= book.days

    @property
    def points(self) -> int:
        return sum(row.points for row in self.rows)


def recomputed(facts: Sequence[Fact]) -> dict[date, int]:
    """Points by day, from the definition."""
    plain = [one for one in facts if one.reverses is None]
    taken_back = {one.reverses for one in facts}
    alive = [one for one in plain if one.void is None and one.fact_id not in taken_back]
    first = {
        once: min((one for one in alive if one.once == once), key=lambda one: (one.at, one.fact_id))
        for once in {one.once for one in alive if one.once is not None}
    }
    counted = [one for one in alive if one.once is None or first[one.once] is one]
    points = {}
    for day in {one.day for one in plain}:
        cap = max((one for one in plain if one.day == day), key=lambda one: one.rules).cap
        gross = sum(one.worth for one in counted if one.day == day and one.capped)
        free = sum(one.worth for one in counted if one.day == day and not one.capped)
        points[day] = free + (gross if cap is None else min(gross, cap))
    return points


CAPS: Final[dict[int, int | None]] = {0: CAP, 1: 15, 2: None}


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    found = []
    for number in range(draw(st.integers(1, 12))):
        at = MONDAY + timedelta(hours=draw(st.integers(0, 60)))
        rules = draw(st.sampled_from(sorted(CAPS)))
        if draw(st.integers(0, 3)) == 0:
            target = draw(st.integers(0, 14))
            found.append(
                fact(f"f{number}", at=at, worth=0, reverses=f"f{target}", rules=rules, cap=CAPS[rules])
            )
            continue
        once = draw(st.sampled_from([None, None, "contest", "like"]))
        found.append(
            fact(
                f"f{number}",
                at=at,
                worth=draw(st.sampled_from([0, 1, 5, 12])),
                capped=draw(st.booleans()),
                once=once,
                rules=rules,
                cap=CAPS[rules],
                void=draw(st.sampled_from([None, None, None, Void.OWN])),
            )
        )
    return [one for one in found if one.reverses != one.fact_id]


@given(histories(), st.data())
def test_the_sum_of_the_ledger_is_that_of_the_facts_in_any_order(
    facts: list[Fact], data: st.DataObject
) -> None:
    arriving = data.draw(st.permutations(facts))
    desk = Desk()
    while arriving:
        size = data.draw(st.integers(1, len(arriving)))
        desk.take(arriving[:size])
        arriving = arriving[size:]
    expected = recomputed(facts)
    assert desk.points == sum(expected.values())
    assert {day: known.points for day, known in desk.days.items()} == expected
    by_day: dict[date, int] = dict.fromkeys(expected, 0)
    for row in desk.rows:
        by_day[row.day] = by_day.get(row.day, 0) + row.points
    assert {day: points for day, points in by_day.items() if points} == {
        day: points for day, points in expected.items() if points
    }


@given(histories())
def test_no_prefix_of_the_ledger_is_below_nothing(facts: list[Fact]) -> None:
    desk = Desk()
    for one in facts:
        desk.take([one])
        assert desk.points >= 0
        assert all(day.points >= 0 for day in desk.days.values())


@given(histories())
def test_every_fact_has_one_row_of_its_own(facts: list[Fact]) -> None:
    desk = Desk()
    desk.take(facts)
    told = [row.fact_id for row in desk.rows if row.fact_id is not None]
    assert sorted(told) == sorted(one.fact_id for one in facts)


def told(desk: Desk) -> list[tuple[str, int, str | None]]:
    return [(str(row.kind), row.points, row.reason) for row in desk.rows]


def test_what_is_above_the_cap_is_held_back_and_given_when_room_comes() -> None:
    desk = Desk()
    desk.take([fact("a"), fact("b"), fact("c")])
    assert desk.points == CAP
    desk.take([fact("undo", reverses="a", worth=0)])
    assert desk.points == CAP
    assert told(desk) == [
        ("fact", 10, None),
        ("fact", 10, None),
        ("fact", 10, None),
        ("cap", -10, "daily_cap"),
        ("reversal", -10, None),
        ("cap", 10, "daily_cap"),
    ]


def test_an_accepted_answer_is_outside_the_cap() -> None:
    desk = Desk()
    desk.take([fact("a", worth=50), fact("b", worth=15, capped=False)])
    assert desk.points == CAP + 15


def test_one_s_own_fact_gives_nothing_and_says_so() -> None:
    desk = Desk()
    desk.take([fact("a", void=Void.OWN), fact("undo", reverses="a", worth=0)])
    assert told(desk) == [("fact", 0, "own"), ("reversal", 0, "gave_nothing")]


def test_of_facts_of_which_one_counts_it_is_the_first_that_happened() -> None:
    desk = Desk()
    desk.take([fact("late", once="x", at=MONDAY + timedelta(days=1))])
    desk.take([fact("early", once="x")])
    assert {day: known.points for day, known in desk.days.items()} == {
        MONDAY.date(): 10,
        MONDAY.date() + timedelta(days=1): 0,
    }
    desk.take([fact("undo", reverses="early", worth=0)])
    assert (desk.points, desk.facts["late"].void) == (10, None)
    assert [row.kind for row in desk.rows].count(Kind.MOVED) == 2


def test_a_reversal_that_comes_first_holds_what_it_reverses() -> None:
    desk = Desk()
    desk.take([fact("undo", reverses="a", worth=0)])
    desk.take([fact("a")])
    assert told(desk) == [("reversal", 0, "not_here_yet"), ("fact", 0, "reversed")]


def test_a_reversal_cannot_be_reversed() -> None:
    desk = Desk()
    desk.take([fact("a"), fact("undo", reverses="a", worth=0), fact("redo", reverses="undo", worth=0)])
    assert desk.points == 0
