"""The standing of a contest: who is where, and why.

A criterion's part is the mean of its scores times its weight; the total is their sum by the sum of the weights, 0 to
10, and what appeals added to it or took from it. Reckoned with fractions, so neither the order of scores nor rounding
decides anything. Of two with equal totals the better is before who is better in the first criterion, then in
the second and so on, then whose entry came earlier. Ranks are dense; an entry without a score has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final
from uuid import UUID

from domain.contest.fields import Criterion

_PLACES: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Judged:
    """`adjustment` is in hundredths of a point."""

    id: UUID
    arrived_at: datetime
    scores: Sequence[Mapping[str, int]] = ()
    adjustment: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """`place` counts from 1, each once; `means` are of the criteria."""

    entry_id: UUID
    place: int
    rank: int | None
    total: Decimal | None
    means: dict[str, Decimal]


def standing(criteria: Sequence[Criterion], entries: Sequence[Judged]) -> list[Place]:
    """All entries, the best first."""
    found = [(_measured(criteria, entry), entry) for entry in entries]
    scored = sorted(
        ((measured, entry) for measured, entry in found if measured is not None),
        key=lambda one: (_key(*one), one[1].id),
    )
    places: list[Place] = []
    rank, last = 0, None
    for measured, entry in scored:
        key = _key(measured, entry)
        rank, last = rank + (key != last), key
        total, means = measured
        named = {one.key: _rounded(mean) for one, mean in zip(criteria, means, strict=True)}
        places.append(Place(entry.id, len(places) + 1, rank, _rounded(total), named))
    unscored = [entry for measured, entry in found if measured is None]
    for entry in sorted(unscored, key=lambda entry: (entry.arrived_at, entry.id)):
        places.append(Place(entry.id, len(places) + 1, None, None, {}))
    return places


Measured = tuple[Fraction, tuple[Fraction, ...]]


def _measured(criteria: Sequence[Criterion], entry: Judged) -> Measured | None:
    """The total, and the mean of each criterion in their order."""
    if not entry.scores:
        return None
    means = tuple(
        Fraction(sum(score.get(one.key, 0) for score in entry.scores), len(entry.scores)) for one in criteria
    )
    weighted = sum((one.weight * mean for one, mean in zip(criteria, means, strict=True)), Fraction())
    total = weighted / sum(one.weight for one in criteria)
    return total + Fraction(entry.adjustment, 100), means


def _key(measured: Measured, entry: Judged) -> tuple[Fraction, tuple[Fraction, ...], datetime]:
    total, means = measured
    return -total, tuple(-mean for mean in means), entry.arrived_at


def _rounded(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_PLACES)
