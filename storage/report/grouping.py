"""Rows by groups: how a source of facts is narrowed, cut into parts of the period, and grouped, all in one reading.

Beside its rows every report has the figures of everything together, as no percentile follows from those of parts.
Parts of the period are cut by the instants at which they begin, so that Python alone knows what a day is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Select,
    Subquery,
    func,
    literal,
    or_,
    select,
    tuple_,
)

from domain.errors import Invalid
from domain.report.asked import PARTS, ROWS_LIMIT, Asked, Bucket, Dimension, Grouping
from storage.database import Reader
from storage.tables.report import MilestoneRow, PromiseRow
from storage.tables.survey import SurveyAnswerRow, SurveyInvitationRow
from storage.tables.ticket import TicketRow

Key = tuple[Any, ...]
"""The values of the groups: the number of the part of the period, from 1 on, an id, or a word."""

Figures = dict[str, Any]
Measures = Callable[[Any], list[ColumnElement[Any]]]
"""Labelled aggregates over the columns of a subquery."""


@dataclass(frozen=True, slots=True)
class Source:
    """Facts at their instants `at`, and where a fact says what it is about."""

    at: Any
    dimensions: Mapping[Dimension, Any]


def _what_it_was(row: Any) -> dict[Dimension, Any]:
    return {
        "team": row.team_id,
        "agent": row.agent_id,
        "category": row.category,
        "kind": row.kind,
        "priority": row.priority,
        "channel": row.channel,
        "organization": row.organization_id,
    }


TICKETS: Final = Source(
    TicketRow.created_at,
    {
        "team": TicketRow.team_id,
        "agent": TicketRow.assignee_id,
        "category": TicketRow.category,
        "kind": TicketRow.kind,
        "priority": TicketRow.priority,
        "channel": TicketRow.channel,
        "organization": TicketRow.organization_id,
    },
)
"""Tickets, by what they are now."""

MILESTONES: Final = Source(MilestoneRow.at, _what_it_was(MilestoneRow))
ANSWERS: Final = Source(SurveyAnswerRow.answered_at, _what_it_was(SurveyInvitationRow))
"""Answers to surveys, by what the ticket was when it was resolved."""

INVITATIONS: Final = Source(SurveyInvitationRow.asked_at, _what_it_was(SurveyInvitationRow))
"""Those who were asked, at the time."""

PROMISES: Final = Source(
    PromiseRow.decided_at,
    {**_what_it_was(PromiseRow), "clock": PromiseRow.clock, "policy": PromiseRow.policy_id},
)


def within(source: Source, asked: Asked) -> list[ColumnElement[bool]]:
    """The facts of the period that are asked for."""
    return [source.at >= asked.span.start, source.at < asked.span.end, *narrowed(source, asked)]


def narrowed(source: Source, asked: Asked) -> list[ColumnElement[bool]]:
    return [_one_of(source.dimensions[name], values) for name, values in asked.only.items()]


def _one_of(column: Any, values: Sequence[UUID | str | None]) -> ColumnElement[bool]:
    given = [value for value in values if value is not None]
    some: ColumnElement[bool] = column.in_(given)
    return or_(some, column.is_(None)) if None in values else some


async def grouped(
    reader: Reader,
    source: Source,
    asked: Asked,
    inputs: Mapping[str, Any],
    measures: Measures,
    where: Iterable[ColumnElement[bool]] | None = None,
) -> tuple[dict[Key, Figures], Figures]:
    """The measures of each group of facts, and of all of them together. Raises Invalid for too many groups."""
    keys = {f"group_{place}": _key(source, asked, name) for place, name in enumerate(asked.groups)}
    conditions = within(source, asked) if where is None else where
    facts = select(
        *(key.label(name) for name, key in keys.items()),
        *(value.label(name) for name, value in inputs.items()),
        literal(1).label("one"),
    ).where(*conditions)
    return await summed(reader, facts.subquery(), list(keys), measures)


async def summed(
    reader: Reader, facts: Subquery, keys: Sequence[str], measures: Measures
) -> tuple[dict[Key, Figures], Figures]:
    """The measures of the facts by the columns `keys`, and of all of them. Without keys both are the same."""
    by = [facts.columns[name] for name in keys]
    is_total = (func.grouping(*by) > 0) if by else literal(True)
    statement: Select[Any] = select(is_total, *by, *measures(facts.columns)).select_from(facts)
    if by:
        statement = statement.group_by(func.grouping_sets(tuple_(*by), tuple_()))
    rows = (await reader.execute(statement.limit(ROWS_LIMIT + 2))).all()
    check_rows(len(rows) - 1)
    found: dict[Key, Figures] = {}
    total: Figures = {}
    for row in rows:
        figures = dict(list(row._mapping.items())[1 + len(keys) :])
        if row[0]:
            total = figures
        if not row[0] or not keys:
            found[tuple(row[1 : 1 + len(keys)])] = figures
    return found, total


def check_rows(count: int) -> None:
    if count > ROWS_LIMIT:
        message = f"The report has more than {ROWS_LIMIT} rows: group by less, or take a shorter period."
        raise Invalid("report_too_large", message, field="group_by")


def _key(source: Source, asked: Asked, name: Grouping) -> Any:
    return part_of(source.at, asked.buckets) if name in PARTS else source.dimensions[cast("Dimension", name)]


def part_of(at: Any, buckets: Sequence[Bucket]) -> Any:
    """The number of the part of the period that `at`, which is in the period, lies in."""
    starts = [bucket.start for bucket in buckets]
    return func.width_bucket(at, literal(starts, ARRAY(DateTime(timezone=True))))
