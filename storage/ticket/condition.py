"""A Filter and a Visibility as SQL: the conditions of every list, count and search of tickets.

Values of closed sets are written into the statement, not bound: one status is rare and another is nearly all, and
PostgreSQL has to know which one is meant to choose its way. Ways through the full text are in
`storage/ticket/find.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Text,
    any_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from domain.authorization import Visibility
from domain.errors import Invalid
from domain.ticket import custom as custom_fields
from domain.ticket.filter import Condition, Custom, Field, Filter, Name, OneOf, Untyped, Value, Within
from domain.ticket.query import NONE
from storage import field as fields
from storage import search
from storage.database import Reader, Writer
from storage.tables.account import OrganizationRow, PersonRow, TeamRow
from storage.tables.ticket import TicketCollaboratorRow, TicketRow, TicketSearchRow
from storage.ticket import custom

COLUMNS: Final[dict[Field, Any]] = {
    "id": TicketRow.id,
    "number": TicketRow.number,
    "external_id": TicketRow.external_id,
    "status": TicketRow.status,
    "priority": TicketRow.priority,
    "category": TicketRow.category,
    "kind": TicketRow.kind,
    "channel": TicketRow.channel,
    "tier": TicketRow.tier,
    "waiting_reason": TicketRow.waiting_reason,
    "requester": TicketRow.requester_id,
    "assignee": TicketRow.assignee_id,
    "team": TicketRow.team_id,
    "organization": TicketRow.organization_id,
    "tags": TicketRow.tags,
    "breached": TicketRow.breached,
    "reopen_count": TicketRow.reopen_count,
    "satisfaction": TicketRow.satisfaction,
    "created_at": TicketRow.created_at,
    "updated_at": TicketRow.updated_at,
    "first_responded_at": TicketRow.first_responded_at,
    "resolved_at": TicketRow.resolved_at,
    "closed_at": TicketRow.closed_at,
    "next_step_at": TicketRow.next_step_at,
}
INTERNAL: Final[tuple[Field, ...]] = ("tags", "waiting_reason", "satisfaction", "next_step_at")
"""The fields that only those who work on a ticket may read; to others they are empty."""

_CLOSED: Final = ("status", "kind", "channel", "tier")
_RANKS: Final = {"critical": 1, "high": 2, "normal": 3, "low": 4}
_NOBODY: Final = UUID(int=0)
_ENTIRE: Final = func.coalesce(TicketSearchRow.entire, TicketSearchRow.shared)


Narrowing = Callable[[Select[Any]], Select[Any]]
"""Narrows a query of tickets to those that may be seen and are asked for."""


async def narrow(reader: Reader | Writer, visible: Visibility, wanted: Filter) -> Narrowing:
    """How to narrow any query of tickets; raises Invalid for a name that nobody has."""
    wanted = await named(reader, visible, wanted)
    asked = await search.asked(reader, wanted.terms)

    def narrowed(statement: Select[Any]) -> Select[Any]:
        if asked is not None and asked.nothing:
            return statement.where(false())
        statement = statement.where(*seen(visible), *conditions(visible, wanted, apart=False))
        return statement if asked is None else searched(statement, visible, asked)

    return narrowed


def searched(statement: Select[Any], visible: Visibility, asked: search.Asked) -> Select[Any]:
    """Those of the tickets whose words, as far as they may be read, hold what is asked for."""
    statement = statement.join(TicketSearchRow, TicketSearchRow.ticket_id == TicketRow.id)
    if asked.wanted:
        statement = statement.where(_ENTIRE.bool_op("@@")(tsquery(asked.wanted)))
    if visible.everything and asked.wanted == asked.all:
        return statement
    return statement.where(document(visible).bool_op("@@")(tsquery(asked.all)))


def document(visible: Visibility, row: Any = TicketSearchRow) -> ColumnElement[str]:
    """The words of a ticket that this person may read: internal ones only where they work on it. `row` has them."""
    entire: ColumnElement[str] = func.coalesce(row.entire, row.shared)
    if visible.everything:
        return entire
    if not visible.works:
        return func.coalesce(row.shared)
    return case((or_(*_worked_on(visible)), entire), else_=row.shared)


def tsquery(text: str) -> ColumnElement[Any]:
    return cast(bindparam(None, text, Text(), literal_execute=True), TSQUERY)


def seen(visible: Visibility) -> list[ColumnElement[bool]]:
    """The same rule as `Visibility.covers`, in SQL."""
    return [] if visible.everything else [or_(*ways_to_see(visible))]


def ways_to_see(visible: Visibility) -> list[ColumnElement[bool]]:
    """Why somebody who does not see everything may see a ticket, each with an index of its own."""
    follows = select(TicketCollaboratorRow.ticket_id).where(
        TicketCollaboratorRow.person_id == visible.person_id
    )
    asked = [
        TicketRow.requester_id == visible.person_id,
        TicketRow.id == any_(func.array(follows.scalar_subquery())),
    ]
    return asked + (_worked_on(visible) if visible.works else [])


def _worked_on(visible: Visibility) -> list[ColumnElement[bool]]:
    """The same rule as `Visibility.is_worked_on`."""
    teams = sorted(visible.team_ids)
    return [
        TicketRow.assignee_id == visible.person_id,
        TicketRow.team_id.is_(None),
        *(TicketRow.team_id == team for team in teams),
    ]


def conditions(visible: Visibility, wanted: Filter, *, apart: bool = True) -> list[ColumnElement[bool]]:
    """The conditions on fields, as far as this person may read them; names must have been looked up before.

    `apart`: those on custom fields are looked at ticket by ticket, as lists do that walk along their order.
    """
    return [_condition(visible, one, apart) for one in wanted.conditions]


def read_by_staff(visible: Visibility) -> ColumnElement[bool]:
    """Whether this person may read the fields `INTERNAL` of a ticket."""
    if visible.everything:
        return true()
    return func.coalesce(or_(*_worked_on(visible)), False) if visible.works else false()


def _condition(visible: Visibility, one: Condition, apart: bool) -> ColumnElement[bool]:
    if isinstance(one, Untyped):
        raise TypeError("A condition on a custom field has not been looked up.")
    if isinstance(one, Custom):
        found, internal, empty = custom.holds(one, apart=apart), True, None in one.values
    else:
        found = _within(one) if isinstance(one, Within) else _one_of(one)
        internal, empty = one.field in INTERNAL, isinstance(one, OneOf) and None in one.values
    if internal and not visible.everything:  # to whoever may not read it, it is empty
        staff = read_by_staff(visible)
        found = or_(found, not_(staff)) if empty else found & staff
    return not_(func.coalesce(found, False)) if one.negated else found


def _within(one: Within) -> ColumnElement[bool]:
    column = COLUMNS[one.field]
    if one.start is None and one.end is None:
        return column.is_not(None)  # type: ignore[no-any-return]  # a mapped column's own
    start = None if one.start is None else column >= one.start
    end = None if one.end is None else column < one.end
    return start if end is None else end if start is None else start & end  # type: ignore[return-value]


def _one_of(one: OneOf) -> ColumnElement[bool]:
    given = [value for value in one.values if value is not None]
    if one.field == "tags":
        return _tagged(given, or_none=None in one.values)
    if one.field == "breached":
        return or_(*(TicketRow.breached if value else not_(TicketRow.breached) for value in given))
    column = COLUMNS[one.field]
    if one.field == "priority":  # its rank stands in the indexes
        column, given = TicketRow.rank, [_RANKS[str(value)] for value in given]
    written = one.field in _CLOSED or one.field == "priority"
    values = [_written(column, value) if written else value for value in given]
    within: ColumnElement[bool] = column == values[0] if len(values) == 1 else column.in_(values)
    return or_(within, column.is_(None)) if None in one.values else within


def _written(column: Any, value: Value) -> ColumnElement[Any]:
    return bindparam(None, value if isinstance(value, int) else str(value), column.type, literal_execute=True)


def _tagged(tags: Sequence[Any], *, or_none: bool) -> ColumnElement[bool]:
    some = TicketRow.tags.bool_op("&&")(literal(list(tags), ARRAY(Text)))
    return or_(some, TicketRow.tags == literal([], ARRAY(Text))) if or_none else some


async def named(reader: Reader | Writer, visible: Visibility, wanted: Filter) -> Filter:
    """The filter with the ids of those who were called by name, and custom fields as their types have them.

    Raises Invalid for a name that nobody has and for what a field cannot be, but only to those who may know; for
    others a name that nobody has and one without tickets of theirs are the same, and custom fields are empty.
    """
    staff = visible.everything or visible.works
    found: list[Condition] = []
    for one in (await typed(reader, visible, wanted)).conditions:
        if isinstance(one, OneOf) and any(isinstance(value, Name) for value in one.values):
            found.append(replace(one, values=await _identified(reader, one, staff=staff)))
        else:
            found.append(one)
    return replace(wanted, conditions=tuple(found))


async def typed(reader: Reader | Writer, visible: Visibility, wanted: Filter) -> Filter:
    """The filter with custom fields as their types have them, with the errors of `named`."""
    if not any(isinstance(one, Untyped) for one in wanted.conditions):
        return wanted
    staff = visible.everything or visible.works
    definitions = await fields.fields(reader) if staff else []
    found = (
        one
        if not isinstance(one, Untyped)
        else custom_fields.typed(one, definitions)
        if staff
        else _empty(one)
        for one in wanted.conditions
    )
    return replace(wanted, conditions=tuple(found))


def _empty(one: Untyped) -> OneOf:
    """The condition to whoever sees that no ticket has a value."""
    wanted = any(part.is_word(NONE) for part in one.values)
    return OneOf("id", (_NOBODY,), negated=wanted != one.negated)


async def _identified(reader: Reader | Writer, one: OneOf, *, staff: bool) -> tuple[Value | None, ...]:
    ids: list[Value | None] = []
    for value in one.values:
        if not isinstance(value, Name):
            ids.append(value)
            continue
        matches = (await reader.scalars(_having(one.field, value.text))).all()
        if staff and not matches:
            raise Invalid(f"unknown_{one.field}", f"There is no {one.field} called {value.text}.", field="q")
        ids.extend(matches or [_NOBODY])
    return tuple(ids)


def _having(field: Field, name: str) -> Select[Any]:
    """The ids of the teams, organizations or people with this name; of people also by address."""
    if field in ("requester", "assignee"):
        if "@" in name:
            return select(PersonRow.id).where(func.lower(PersonRow.email) == name.lower())
        return select(PersonRow.id).where(PersonRow.name == name).limit(50)
    table = TeamRow if field == "team" else OrganizationRow
    return select(table.id).where(func.lower(table.name) == name.lower())
