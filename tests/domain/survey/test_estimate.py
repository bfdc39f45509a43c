"""The intervals are those of the books, and they cover what they promise."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.survey.estimate import Interval, net_promoter_interval, net_promoter_score, wilson


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 100_000))
    return draw(st.integers(0, n)), n


def test_the_interval_is_the_published_one() -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I: the score method without continuity
    correction, for 81 of 263, 15 of 148, 0 of 20 and 1 of 29."""
    for count, n, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = wilson(count, n)
        assert found is not None
        assert (found.low, found.high) == pytest.approx((low, high), abs=0.00005)


@given(shares())
def test_an_interval_holds_its_share_and_stays_a_share(given_: tuple[int, int]) -> None:
    count, n = given_
    found = wilson(count, n)
    assert found is not None
    assert 0 <= found.low <= count / n <= found.high <= 1
    other = wilson(n - count, n)
    assert other is not None
    assert (other.low, other.high) == pytest.approx((1 - found.high, 1 - found.low))


@given(shares(), st.integers(2, 50))
def test_more_answers_of_the_same_kind_make_it_narrower(given_: tuple[int, int], times: int) -> None:
    count, n = given_
    few, many = wilson(count, n), wilson(count * times, n * times)
    assert few is not None
    assert many is not None
    assert many.high - many.low < few.high - few.low


@pytest.mark.parametrize("n", [5, 10, 30, 100])
def test_wilson_covers_nineteen_of_twenty_on_the_whole(n: int) -> None:
    intervals = [wilson(count, n) for count in range(n + 1)]
    rates = [step / 200 for step in range(1, 200)]
    covered = [
        sum(
            comb(n, count) * rate**count * (1 - rate) ** (n - count)
            for count, one in enumerate(intervals)
            if one is not None and one.low <= rate <= one.high
        )
        for rate in rates
    ]
    assert 0.945 < sum(covered) / len(covered) < 0.97
    assert min(covered) > 0.83


def test_of_nothing_there_is_nothing_to_say() -> None:
    assert wilson(0, 0) is None
    assert net_promoter_score(0, 0, 0) is None
    assert net_promoter_interval(0, 0, 0) is None


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_the_net_promoter_score_lies_within_and_turns_with_its_signs(up: int, mid: int, down: int) -> None:
    n = up + mid + down
    if n == 0:
        return
    score, found = net_promoter_score(up, down, n), net_promoter_interval(up, down, n)
    turned = net_promoter_interval(down, up, n)
    assert score is not None
    assert found is not None
    assert turned is not None
    assert -1 <= found.low < found.high <= 1
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def covers(n: int, promoters: float, detractors: float) -> float:
    """How often the interval of n answers holds the true score, by every outcome there is."""
    truth, between = promoters - detractors, 1 - promoters - detractors
    total = 0.0
    for up in range(n + 1):
        for down in range(n - up + 1):
            found = net_promoter_interval(up, down, n) or Interval(2, 2)
            if found.low <= truth <= found.high:
                ways = comb(n, up) * comb(n - up, down)
                total += ways * promoters**up * detractors**down * between ** (n - up - down)
    return total


def test_the_net_promoter_interval_covers_what_it_promises() -> None:
    grid = [(0.1 * up, 0.1 * down) for up in range(1, 9) for down in range(1, 10 - up)]
    for n in (10, 25, 50):
        covered = [covers(n, *one) for one in grid]
        assert sum(covered) / len(covered) > 0.94, n
        assert min(covered) > 0.91, n
