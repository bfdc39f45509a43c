"""How sure a figure of a survey is: intervals around shares and around the net promoter score, of 95 % confidence.

They speak of those who might have answered like those who did; that people who do not answer think differently is what
the response rate beside them is there to remember.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

Z: Final = 1.959963984540054
"""The 97.5 % point of the normal distribution."""

_ADDED: Final = (0.75, 1.5, 0.75)


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


def wilson(count: int, n: int) -> Interval | None:
    """The score interval of a share `count` of `n`; None of nothing.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the American
    Statistical Association 22 (1927), 209-212. It keeps its promise for few answers and for shares near 0 and 1, where
    the usual one fails (Brown, Cai and DasGupta, "Interval Estimation for a Binomial Proportion", Statistical
    Science 16 (2001), 101-133).
    """
    if n == 0:
        return None
    share, weight = count / n, Z * Z / n
    centre = (share + weight / 2) / (1 + weight)
    half = Z / (1 + weight) * sqrt(share * (1 - share) / n + weight / (4 * n))
    # At the ends both are equal, but for what floating point leaves over.
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == n else min(1.0, centre + half)
    return Interval(low, high)


def net_promoter_score(promoters: int, detractors: int, n: int) -> float | None:
    """The share of promoters less that of detractors, from -1 to 1; None of nothing."""
    return (promoters - detractors) / n if n else None


def net_promoter_interval(promoters: int, detractors: int, n: int) -> Interval | None:
    """An interval around the net promoter score; None of nothing.

    An adjusted Wald interval: three answers are added, 3/4 of a promoter, 3/4 of a detractor and 3/2 between, and
    then the variance of a difference of two shares of one sample is used, so that it does not vanish when all say the
    same. Adjusted Wald intervals are what B. Rocks finds to do best ("Interval Estimation for the Net Promoter Score",
    The American Statistician 70 (2016), 365-372); that this one covers is shown by
    `tests/domain/survey/test_estimate.py`.
    """
    if n == 0:
        return None
    more, between, less = _ADDED
    size = n + more + between + less
    up, down = (promoters + more) / size, (detractors + less) / size
    score = up - down
    half = Z * sqrt((up + down - score * score) / size)
    return Interval(max(-1.0, score - half), min(1.0, score + half))
