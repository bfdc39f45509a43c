"""The standing: independent of the order in which scores came, dense, with a stated tie-break."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.contest.fields import Criterion
from domain.contest.standing import Judged, standing

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CRITERIA = (Criterion(key="idea", name="Idea", weight=2), Criterion(key="form", name="Form"))
score = st.fixed_dictionaries({"idea": st.integers(0, 10), "form": st.integers(0, 10)})


def judged(number: int, *scores: tuple[int, int], minutes: int = 0, adjustment: int = 0) -> Judged:
    given_ = [{"idea": idea, "form": form} for idea, form in scores]
    return Judged(UUID(int=number), NOW + timedelta(minutes=minutes), given_, adjustment)


entries = st.lists(
    st.tuples(st.lists(score, max_size=4), st.integers(0, 3), st.integers(-100, 100)), max_size=15
).map(
    lambda found: [
        Judged(UUID(int=number + 1), NOW + timedelta(minutes=minutes), scores, adjustment)
        for number, (scores, minutes, adjustment) in enumerate(found)
    ]
)


@given(entries, st.randoms(use_true_random=False))
def test_the_order_of_scores_and_entries_decides_nothing(found: list[Judged], random: st.DataObject) -> None:
    mixed = [
        Judged(one.id, one.arrived_at, random.sample(list(one.scores), len(one.scores)), one.adjustment)  # type: ignore[attr-defined]
        for one in found
    ]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert standing(CRITERIA, mixed) == standing(CRITERIA, found)


@given(entries)
def test_it_is_a_total_order_with_dense_ranks(found: list[Judged]) -> None:
    places = standing(CRITERIA, found)
    assert sorted(place.entry_id for place in places) == sorted(one.id for one in found)
    assert [place.place for place in places] == list(range(1, len(found) + 1))
    ranks = [place.rank for place in places if place.rank is not None]
    assert set(ranks) == set(range(1, len(set(ranks)) + 1))
    assert ranks == sorted(ranks)
    assert all(place.rank is None for place in places[len(ranks) :])
    totals = [total(next(one for one in found if one.id == place.entry_id)) for place in places[: len(ranks)]]
    assert totals == sorted(totals, reverse=True)


def total(entry: Judged) -> Fraction:
    """Reckoned another way: the mean of what each judge's scores are worth."""
    each = [Fraction(2 * one["idea"] + one["form"], 3) for one in entry.scores]
    return sum(each, Fraction()) / len(each) + Fraction(entry.adjustment, 100)


def test_equal_totals_are_decided_by_the_criteria_in_their_order_and_then_by_the_earlier_entry() -> None:
    wide, deep = judged(1, (5, 8)), judged(2, (6, 6))  # both are worth 18 thirds
    early, late = judged(3, (4, 4), minutes=1), judged(4, (4, 4), minutes=2)
    places = standing(CRITERIA, [late, wide, early, deep])
    assert [place.entry_id.int for place in places] == [2, 1, 3, 4]
    assert [place.rank for place in places] == [1, 2, 3, 4]


def test_who_is_equal_in_everything_shares_a_rank_and_the_next_one_follows() -> None:
    places = standing(CRITERIA, [judged(1, (4, 4)), judged(2, (4, 4)), judged(3, (1, 1))])
    assert [place.rank for place in places] == [1, 1, 2]


def test_an_adjustment_counts_and_an_entry_without_scores_has_no_rank() -> None:
    places = standing(CRITERIA, [judged(1, (5, 5)), judged(2, (4, 4), adjustment=150), judged(3)])
    assert [(place.entry_id.int, place.rank, place.total) for place in places] == [
        (2, 1, Decimal("5.5")),
        (1, 2, Decimal(5)),
        (3, None, None),
    ]
