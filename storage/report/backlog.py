"""What is open: at an instant with its age, and at the end of each part of a period.

A ticket was open at an instant if it was created or taken up again before it, and not resolved or merged before it.
Stretches that have ended stand among the milestones, where an index finds those that hold an instant; the one that
goes on stands in the ticket itself.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    bindparam,
    func,
    literal,
    select,
    union_all,
)

from domain.report.asked import PARTS, Asked, Dimension
from domain.ticket.fields import ACTIVE
from storage.database import Reader
from storage.report.aggregate import named_times, seconds, times
from storage.report.grouping import MILESTONES, TICKETS, Key, Source, narrowed, summed
from storage.report.lines import Report, lines
from storage.tables.report import MilestoneRow
from storage.tables.ticket import TicketRow

_OPENED: Final = func.coalesce(TicketRow.reopened_at, TicketRow.created_at)
_MOMENT: Final = timedelta(microseconds=1)
# Written into the statement, or no index on them would do.
_ACTIVE: Final[BindParameter[Any]] = bindparam(
    None, [str(status) for status in ACTIVE], expanding=True, literal_execute=True
)


def _goes_on(until: datetime) -> list[ColumnElement[bool]]:
    """Tickets that are open now, and were taken up before `until`."""
    return [TicketRow.status.in_(_ACTIVE), until > _OPENED]


def _ended(first: datetime, last: datetime) -> list[ColumnElement[bool]]:
    """Stretches that have ended and held an instant from `first` to `last`."""
    held = func.tstzrange(MilestoneRow.opened_at, MilestoneRow.at)
    return [
        MilestoneRow.number > 0,
        held.bool_op("&&")(func.tstzrange(_instant(first - _MOMENT), _instant(last))),
        MilestoneRow.opened_at < last,
        MilestoneRow.at >= first,
    ]


def _instant(at: datetime) -> ColumnElement[datetime]:
    return literal(at, DateTime(timezone=True))


async def backlog(reader: Reader, asked: Asked, at: datetime) -> Report:
    """What was open at `at`, which is not in the future, by what it is or was when it was done."""
    opened = union_all(
        _facts(MILESTONES, asked, {"created_at": MilestoneRow.created_at}, _ended(at, at)),
        _facts(TICKETS, asked, {"created_at": TicketRow.created_at}, _goes_on(at)),
    ).subquery()

    def measures(columns: Any) -> list[ColumnElement[Any]]:
        age = seconds(columns.created_at, _instant(at))
        return [func.count().label("backlog"), *times("backlog_age", age), func.max(age).label("oldest_age")]

    found, total = await summed(reader, opened, _keys(asked), measures)
    named = {key: _named(row) for key, row in found.items()}
    return Report(await lines(reader, asked, named), _named(total))


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "backlog": row["backlog"],
        "backlog_age": named_times(row, "backlog_age"),
        "oldest_age": row["oldest_age"],
    }


async def at_the_ends(reader: Reader, asked: Asked, now: datetime) -> tuple[dict[Key, int], int | None]:
    """How many were open when each part of the period ended, or are now where it has not; and when all of it
    did. Parts that lie in the future have none."""
    ends = [min(one.end, now) for one in asked.buckets or (asked.span,) if one.start < now]
    if not ends:
        return {}, None
    done = {"first": _after(MilestoneRow.opened_at, ends), "last": _until(MilestoneRow.at, ends)}
    on = {"first": _after(_OPENED, ends), "last": literal(len(ends), Integer)}
    counted: Counter[Key] = Counter()
    total = 0
    for source, inputs, where in (
        (MILESTONES, done, _ended(ends[0], ends[-1])),
        (TICKETS, on, _goes_on(ends[-1])),
    ):
        facts = _facts(source, asked, inputs, where).subquery()
        columns = [
            *(facts.columns[key] for key in _keys(asked)),
            facts.columns["first"],
            facts.columns["last"],
        ]
        for *key, first, last, count in await reader.execute(
            select(*columns, func.count()).group_by(*columns)
        ):
            total += count if last == len(ends) else 0
            for part in range(first, last + 1):
                counted[_with_part(asked, key, part)] += count
    return counted, total


def _facts(
    source: Source, asked: Asked, inputs: Mapping[str, Any], where: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    """Stretches of a source that are asked for, with the values of their groups but for the part of the period."""
    groups = [cast("Dimension", name) for name in asked.groups if name not in PARTS]
    return select(
        *(source.dimensions[name].label(f"group_{place}") for place, name in enumerate(groups)),
        *(value.label(name) for name, value in inputs.items()),
    ).where(*where, *narrowed(source, asked))


def _keys(asked: Asked) -> list[str]:
    count = sum(name not in PARTS for name in asked.groups)
    return [f"group_{place}" for place in range(count)]


def _with_part(asked: Asked, others: Sequence[Any], part: int) -> Key:
    rest = iter(others)
    return tuple(part if name in PARTS else next(rest) for name in asked.groups)


def _until(at: Any, ends: Sequence[datetime]) -> Any:
    """How many of the ends are not after `at`: the number of the last part at whose end it was still open."""
    return func.width_bucket(at, literal(list(ends), ARRAY(DateTime(timezone=True))))


def _after(at: Any, ends: Sequence[datetime]) -> Any:
    """The number of the first part that ends after `at`."""
    return _until(at, ends) + 1
