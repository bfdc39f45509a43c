"""The figures of a set of tickets, by period and any filter. `domain/report/figures.py` defines them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import DateTime, Select, case, func, literal, select, tuple_

from domain.authorization import Visibility
from domain.report.figures import GROUPS
from domain.survey.questions import SCALES, Kind
from domain.ticket.fields import ACTIVE
from domain.ticket.filter import Filter
from storage.database import Reader
from storage.report.aggregate import named_times, seconds, share, times
from storage.tables.ticket import TicketRow
from storage.ticket.condition import Narrowing, narrow

GOOD: Final = SCALES[Kind.CSAT].good
"""From this score on whoever gave it was satisfied."""

NONE: Final = "none"
"""The name of the group of tickets without a value."""

_COLUMNS: Final = {name: getattr(TicketRow, name.removeprefix("by_")) for name in GROUPS}
_REOPENED: Final = TicketRow.reopen_count > 0
_INPUTS: Final[Mapping[str, Any]] = {
    "response": seconds(TicketRow.created_at, TicketRow.first_responded_at),
    "response_working": TicketRow.response_working,
    "resolution": seconds(TicketRow.created_at, TicketRow.resolved_at),
    "resolution_working": TicketRow.resolution_working,
    "first_contact": TicketRow.first_contact,
    "reopened": case((_REOPENED, 1)),
    "done": case((_REOPENED | TicketRow.resolved_at.is_not(None), 1)),
    "kept": TicketRow.promises_kept,
    "broken": TicketRow.promises_broken,
    "satisfaction": TicketRow.satisfaction,
    "assignee_id": TicketRow.assignee_id,
    "waiting_reason": TicketRow.waiting_reason,
}


async def statistics(reader: Reader, visible: Visibility, wanted: Filter, now: datetime) -> dict[str, Any]:
    """The figures, in their order; times are seconds, null where there are none."""
    narrowed = await narrow(reader, visible, wanted)
    counts = await _grouped(reader, narrowed)
    age = seconds(TicketRow.created_at, literal(now, DateTime(timezone=True)))
    is_open = TicketRow.status.in_([str(status) for status in ACTIVE])
    inputs = {**_INPUTS, "age": case((is_open, age))}
    chosen = narrowed(select(*(value.label(name) for name, value in inputs.items()))).subquery()
    row: Any = (await reader.execute(_total(chosen.columns))).one()._mapping
    resolved = row["resolved"]
    return {
        "total_tickets": row["total"],
        **counts,
        "assigned_tickets": row["assigned"],
        "waiting_for_agent": row["waiting"],
        "first_response_time": named_times(row, "response"),
        "first_response_working_time": named_times(row, "response_working"),
        "resolution_time": named_times(row, "resolution"),
        "resolution_working_time": named_times(row, "resolution_working"),
        "first_contact": row["first_contact"],
        "first_contact_rate": share(row["first_contact"], resolved),
        "reopened_tickets": row["reopened"],
        "reopen_rate": share(row["reopened"], row["done"]),
        "promises_kept": row["kept"],
        "promises_broken": row["broken"],
        "sla_met_rate": share(row["kept"], row["kept"] + row["broken"]),
        "rated": row["rated"],
        "satisfied": row["satisfied"],
        "satisfaction_rate": share(row["satisfied"], row["rated"]),
        "satisfaction": None if row["satisfaction"] is None else float(row["satisfaction"]),
        "backlog": row["backlog"],
        "backlog_age": named_times(row, "age"),
    }


def _total(columns: Any) -> Select[Any]:
    return select(
        func.count().label("total"),
        func.count(columns.assignee_id).label("assigned"),
        func.count(columns.waiting_reason).label("waiting"),
        *times("response", columns.response),
        *times("response_working", columns.response_working),
        *times("resolution", columns.resolution),
        *times("resolution_working", columns.resolution_working),
        func.count().filter(columns.first_contact).label("first_contact"),
        func.count(columns.first_contact).label("resolved"),
        func.count(columns.reopened).label("reopened"),
        func.count(columns.done).label("done"),
        func.coalesce(func.sum(columns.kept), 0).label("kept"),
        func.coalesce(func.sum(columns.broken), 0).label("broken"),
        func.count(columns.satisfaction).label("rated"),
        func.count().filter(columns.satisfaction >= GOOD).label("satisfied"),
        func.avg(columns.satisfaction).label("satisfaction"),
        func.count(columns.age).label("backlog"),
        *times("age", columns.age),
    )


async def _grouped(reader: Reader, narrowed: Narrowing) -> dict[str, dict[str, int]]:
    """The tickets by each of `GROUPS`, all of them in one reading."""
    columns = _COLUMNS.values()
    statement: Select[Any] = select(func.count(), func.grouping(*columns), *columns).select_from(TicketRow)
    statement = statement.group_by(func.grouping_sets(*(tuple_(column) for column in columns)))
    rows: Sequence[Any] = (await reader.execute(narrowed(statement))).all()
    # In `grouping` the bit of the column that a row is grouped by is the only one that is not set.
    every = 2 ** len(_COLUMNS) - 1
    place = {every - 2**bit: len(_COLUMNS) - 1 - bit for bit in range(len(_COLUMNS))}
    figures: dict[str, dict[str, int]] = {name: {} for name in _COLUMNS}
    for count, grouping, *values in sorted(rows, key=str):
        value = values[place[grouping]]
        figures[list(_COLUMNS)[place[grouping]]][value if value is not None else NONE] = count
    return figures
