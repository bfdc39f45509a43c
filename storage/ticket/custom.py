"""Custom fields of tickets in SQL: their values as rows, conditions on them, and how many tickets have a value.

What a condition means is in `domain/ticket/custom.py`. Which way a list takes, along its own order or from the
tickets that have a value, is chosen in `storage/ticket/find.py` by how many these are: PostgreSQL's statistics
mix the values of all fields, and tell too little of one.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeGuard

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Uuid,
    any_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased
from sqlalchemy.types import DateTime

from domain.field import Comparable, comparables
from domain.ticket.filter import Condition, Custom, CustomField, Filter
from domain.ticket.messages import Change
from storage.database import Reader, table_of
from storage.pipeline import Pipeline, Statement
from storage.tables.ticket import TicketFieldRow, TicketRow

_FIELDS: Final = table_of(TicketFieldRow)
_CLEAR: Final = Statement(delete(_FIELDS).where(_FIELDS.c.ticket_id == bindparam("of")))
_WRITE: Final = Statement(
    text("""
    INSERT INTO ticket_fields (ticket_id, created_at, key, position, text, number)
    SELECT :ticket_id, :created_at, row.*
    FROM jsonb_to_recordset(:rows) AS row (key text, position smallint, text text, number numeric)
""").bindparams(
        bindparam("ticket_id", type_=Uuid()),
        bindparam("created_at", type_=DateTime(timezone=True)),
        bindparam("rows", type_=JSONB()),
    )
)


def add(asking: Pipeline, change: Change) -> None:
    """Writes the values of a new ticket, or those that an edit put in the place of all before."""
    if change.opened is not None:
        values = change.opened.custom_fields
    elif change.edit is not None and change.edit.custom_fields is not None:
        values = change.edit.custom_fields
        asking.ask(_CLEAR, of=change.ticket_id)
    else:
        return
    rows = [_row(one) for one in comparables(values)]
    if rows:
        asking.ask(_WRITE, ticket_id=change.ticket_id, created_at=change.state.created_at, rows=rows)


def _row(one: Comparable) -> dict[str, Any]:
    """Numbers as text, which JSON keeps whole."""
    number = None if one.number is None else str(one.number)
    return {"key": one.key, "position": one.position, "text": one.text, "number": number}


def holds(one: Custom, *, apart: bool) -> ColumnElement[bool]:
    """Whether a ticket passes the condition, without its negation. `apart` has each ticket looked at on its own;
    without, PostgreSQL may begin at the values, and for `few` it must."""
    row = aliased(TicketFieldRow)
    if one.few:
        return TicketRow.id == any_(
            func.array(select(row.ticket_id).where(*having(one, row)).scalar_subquery())
        )
    some = select(row.position).where(row.ticket_id == TicketRow.id, *having(one, row))
    found: ColumnElement[bool] = exists(some.offset(0) if apart else some)
    if None not in one.values:
        return found
    whatever = select(row.position).where(row.ticket_id == TicketRow.id, *having(Custom(one.field), row))
    return or_(found, not_(exists(whatever.offset(0) if apart else whatever)))


def having(one: Custom, row: Any) -> list[ColumnElement[bool]]:
    """The condition on a row of values; an empty field has none."""
    value = value_of(one.field, row)
    found: list[ColumnElement[bool]] = [row.key == _written(one.field.key, row.key), value.is_not(None)]
    if one.values:
        given = [_written(each, value) for each in one.values if each is not None]
        found.append(value == given[0] if len(given) == 1 else value.in_(given))
    if one.start is not None:
        start = _written(one.start, value)
        found.append(value > start if one.without_start else value >= start)
    if one.end is not None:
        end = _written(one.end, value)
        found.append(value <= end if one.with_end else value < end)
    return found


def value_of(field: CustomField, row: Any) -> Any:
    """The column that the values of the field stand in."""
    return row.number if field.kind == "number" else row.text


def _written(value: str | Decimal, column: Any) -> ColumnElement[Any]:
    """Into the statement, so that PostgreSQL knows which field and value are meant when it chooses its way."""
    return bindparam(None, value, column.type, literal_execute=True)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many values of tickets fit a condition, counted no further than one beyond `limit`."""

    one: Custom
    rows: int
    limit: int

    @property
    def is_few(self) -> bool:
        return self.rows <= self.limit


async def rarest(reader: Reader, wanted: Filter, share: float) -> Counted | None:
    """Of the conditions that name values, the one that the fewest fit.

    A list that begins at the values costs their number, one that looks for them along its order the number of all
    tickets over theirs; `share` says how much cheaper the former is for as many.
    """
    asked = [one for one in wanted.conditions if names_values(one)]
    if not asked:
        return None
    total: Select[Any] = select(literal_column("greatest(reltuples, 1)")).select_from(text("pg_class"))
    limit = func.ceil(func.sqrt(total.where(text("oid = 'tickets'::regclass")).scalar_subquery() * share))
    known = select(cast(limit, Integer).label("limit")).cte("known")
    counts = [_counted(one, select(known.columns.limit + 1).scalar_subquery()) for one in asked]
    row = (await reader.execute(select(known.columns.limit, *counts))).one()
    return min(
        (Counted(one, count, row[0]) for one, count in zip(asked, row[1:], strict=True)),
        key=lambda one: one.rows,
    )


def names_values(one: Condition) -> TypeGuard[Custom]:
    """Whether tickets that pass stand in the index of values."""
    return isinstance(one, Custom) and not one.negated and None not in one.values


def _counted(one: Custom, limit: Any) -> ColumnElement[int]:
    some: Select[Any] = (
        select(literal_column("1")).select_from(TicketFieldRow).where(*having(one, TicketFieldRow))
    )
    return select(func.count()).select_from(some.limit(limit).subquery()).scalar_subquery()
