"""Means, percentiles and shares as SQL and back: the same for reports and for the statistics of a set of tickets."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Float, func, literal

from domain.report.figures import PERCENTILES, TIMES

_SHARES: Final = list(PERCENTILES.values())


def seconds(start: Any, end: Any) -> ColumnElement[Any]:
    return func.date_part("epoch", end - start, type_=Float())


def times(name: str, column: Any) -> list[ColumnElement[Any]]:
    """The mean, and the percentiles by one sorting."""
    return [
        func.avg(column).label(f"{name}_mean"),
        func.percentile_cont(literal(_SHARES, ARRAY(Float)), type_=ARRAY(Float))
        .within_group(column)
        .label(f"{name}_percentiles"),
    ]


def named_times(row: Mapping[str, Any], name: str) -> dict[str, float | None]:
    mean, percentiles = row.get(f"{name}_mean"), row.get(f"{name}_percentiles")
    return dict(zip(TIMES, [mean, *(percentiles or [None] * len(PERCENTILES))], strict=True))


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
