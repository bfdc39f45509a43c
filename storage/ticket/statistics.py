"""Counts and times of tickets by period and any filter. The definitions stand in `docs/statistics.md`."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, ColumnElement, Float, Select, cast, func, literal, select, tuple_

from domain.authorization import Visibility
from domain.ticket.filter import Filter
from storage.database import Reader
from storage.tables.ticket import TicketRow
from storage.ticket.condition import Narrowing, narrow

GROUPS: Final = {
    "by_status": TicketRow.status,
    "by_priority": TicketRow.priority,
    "by_category": TicketRow.category,
    "by_channel": TicketRow.channel,
    "by_kind": TicketRow.kind,
    "by_waiting_reason": TicketRow.waiting_reason,
}
PERCENTILES: Final = {"p50": 0.5, "p90": 0.9}
_NO_TIMES: Final[Sequence[float | None]] = [None] * len(PERCENTILES)
NONE: Final = "none"
"""The name of the group of tickets without a value."""


async def statistics(reader: Reader, visible: Visibility, wanted: Filter) -> dict[str, Any]:
    """Counts of the tickets created in the period, and clock times in seconds; null where there are none."""
    narrowed = await narrow(reader, visible, wanted)
    chosen = narrowed(
        select(
            _seconds(TicketRow.first_responded_at).label("responded"),
            _seconds(TicketRow.resolved_at).label("resolved"),
            (TicketRow.reopen_count > 0).label("reopened"),
            TicketRow.assignee_id,
            TicketRow.waiting_reason,
        )
    ).subquery()
    total: Select[Any] = select(
        func.count(),
        *_times(chosen.columns.responded),
        *_times(chosen.columns.resolved),
        func.count().filter(chosen.columns.reopened),
        func.count(chosen.columns.assignee_id),
        func.count(chosen.columns.waiting_reason),
    )
    row: Sequence[Any] = (await reader.execute(total)).one()
    return {
        "total_tickets": row[0],
        "first_response_time": _named(row[1], row[2]),
        "resolution_time": _named(row[3], row[4]),
        "reopened_tickets": row[5],
        "assigned_tickets": row[6],
        "waiting_for_agent": row[7],
        **await _grouped(reader, narrowed),
    }


def _seconds(column: Any) -> ColumnElement[Any]:
    """From creation to `column`."""
    return cast(func.extract("epoch", column - TicketRow.created_at), Float)


def _times(seconds: Any) -> list[ColumnElement[Any]]:
    """The mean, and the percentiles of `PERCENTILES` by one sorting."""
    shares = literal(list(PERCENTILES.values()), ARRAY(Float))
    return [func.avg(seconds), func.percentile_cont(shares, type_=ARRAY(Float)).within_group(seconds)]


def _named(mean: float | None, percentiles: Sequence[float] | None) -> dict[str, float | None]:
    return {"mean": mean, **dict(zip(PERCENTILES, percentiles or _NO_TIMES, strict=True))}


async def _grouped(reader: Reader, narrowed: Narrowing) -> dict[str, dict[str, int]]:
    """The tickets by each of `GROUPS`, all of them in one reading."""
    columns = GROUPS.values()
    statement: Select[Any] = select(func.count(), func.grouping(*columns), *columns).select_from(TicketRow)
    statement = statement.group_by(func.grouping_sets(*(tuple_(column) for column in columns)))
    rows: Sequence[Any] = (await reader.execute(narrowed(statement))).all()
    # In `grouping` the bit of the column that a row is grouped by is the only one that is not set.
    every = 2 ** len(GROUPS) - 1
    place = {every - 2**bit: len(GROUPS) - 1 - bit for bit in range(len(GROUPS))}
    figures: dict[str, dict[str, int]] = {name: {} for name in GROUPS}
    for count, grouping, *values in sorted(rows, key=str):
        value = values[place[grouping]]
        figures[list(GROUPS)[place[grouping]]][value if value is not None else NONE] = count
    return figures
