"""Counts and times of tickets by period and any filter. The definitions stand in `docs/statistics.md`."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Float, Select, cast, func, select

from domain.authorization import Visibility
from storage.database import Reader
from storage.tables.ticket import TicketRow
from storage.ticket.listing import Filter, restricted

GROUPS: Final = {
    "by_status": TicketRow.status,
    "by_priority": TicketRow.priority,
    "by_category": TicketRow.category,
    "by_channel": TicketRow.channel,
    "by_kind": TicketRow.kind,
    "by_waiting_reason": TicketRow.waiting_reason,
}
NONE: Final = "none"
"""The name of the group of tickets without a value."""


async def statistics(reader: Reader, visible: Visibility, wanted: Filter) -> dict[str, Any]:
    """Counts of the tickets created in the period, and clock times in seconds; null where there are none."""
    figures: dict[str, Any] = {}
    total = select(
        func.count(),
        *_times(TicketRow.first_responded_at),
        *_times(TicketRow.resolved_at),
        func.count().filter(TicketRow.reopen_count > 0),
        func.count().filter(TicketRow.assignee_id.is_not(None)),
        func.count().filter(TicketRow.waiting_reason.is_not(None)),
    )
    row = (await reader.execute(restricted(total.select_from(TicketRow), visible, wanted))).one()
    figures["total_tickets"] = row[0]
    figures["first_response_time"] = _named(row[1:4])
    figures["resolution_time"] = _named(row[4:7])
    figures["reopened_tickets"] = row[7]
    figures["assigned_tickets"] = row[8]
    figures["waiting_for_agent"] = row[9]
    for name, column in GROUPS.items():
        figures[name] = await _grouped(reader, column, visible, wanted)
    return figures


def _times(column: Any) -> list[ColumnElement[Any]]:
    """Mean, median and 90th percentile of the seconds from creation to `column`."""
    seconds = cast(func.extract("epoch", column - TicketRow.created_at), Float)
    return [
        func.avg(seconds),
        func.percentile_cont(0.5).within_group(seconds),
        func.percentile_cont(0.9).within_group(seconds),
    ]


def _named(times: Any) -> dict[str, float | None]:
    return dict(zip(("mean", "p50", "p90"), times, strict=True))


async def _grouped(reader: Reader, column: Any, visible: Visibility, wanted: Filter) -> dict[str, int]:
    statement: Select[Any] = select(column, func.count()).select_from(TicketRow).group_by(column)
    rows = (await reader.execute(restricted(statement, visible, wanted))).all()
    return {value if value is not None else NONE: count for value, count in sorted(rows, key=str)}
