"""Finding tickets: the page of a list, also by words and by how well they match.

A word may stand in a third of all tickets or in one, and no single way is good for both. PostgreSQL's statistics tell
which it is. Lists by age, which are nearly all, look for frequent words in the index of words and days, in as many
days as should hold a page: that costs the same however many tickets there are. Other orders are walked along, looking
at each ticket's words, and what is rare is found by the index of words alone; a walk that finds too little is given
up. So their cost grows with the root of the number of tickets at most, unless a frequent word stands only in tickets
that come late in the order. Values of custom fields are weighed the same way, by how many tickets have them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from math import ceil, sqrt
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)

from domain.authorization import Visibility
from domain.ticket.filter import Custom, Filter
from domain.ticket.record import Ticket
from storage import search
from storage.database import Reader, connection_of
from storage.page import Order, beyond, in_order, page
from storage.tables.ticket import DAY, TicketFieldRow, TicketRow, TicketSearchRow
from storage.ticket.condition import conditions, document, named, read_by_staff, searched, seen, tsquery
from storage.ticket.custom import Counted, having, rarest
from storage.ticket.listing import RELEVANCE, Key, Sorting, keyed, keys, records, sorting

RANKED: Final = 200
"""How many matches, the newest of all, are put in the order of relevance."""

_BY_LENGTH: Final = 1  # divides by the logarithm of the document's length
_CHUNK: Final = 200
_SCATTERED: Final = 3
"""How much more a ticket costs that the index of words found somewhere than the next one of a walk."""

_PATIENCE: Final = 6
"""A walk is given up after so many times the tickets that statistics made it expect, or when it has cost twice what
the index of words would have."""

_PROBE: Final = 2_000
"""How many tickets tell how many come in a day."""

_SPARE: Final = 2
_FURTHER: Final = 4
_TRIES: Final = 3
_DAYS: Final = 400
"""Days at once at most: each of them costs a look into the index."""

_NEAR: Final = 16
"""How much cheaper a value of a custom field is, with the age of its ticket beside it, than a ticket of a walk."""


@dataclass(frozen=True, slots=True)
class Search:
    """A list with words in it: who looks for what."""

    visible: Visibility
    wanted: Filter
    asked: search.Asked


async def find(
    reader: Reader,
    visible: Visibility,
    wanted: Filter,
    by: Sorting,
    after: Sequence[Any] | None,
    size: int,
) -> list[tuple[Ticket, Key]]:
    """Up to `size + 1` tickets with their paging keys. The permission is part of every query.

    Relevance needs words. Raises Invalid for a name that nobody has, and for what a custom field cannot be.
    """
    wanted = await named(reader, visible, wanted)
    asked = await search.asked(reader, wanted.terms)
    if asked is not None and asked.nothing:
        return []
    if asked is None:
        found = await _keys(reader, await _listed(reader, visible, wanted, by, after, size + 1))
    else:
        rare = await rarest(reader, wanted, size + 1)
        sought = Search(visible, _few(wanted, rare), asked)
        if by.name == RELEVANCE:
            found = await _ranked(reader, sought, after, size + 1)
        else:
            found = await _matching(reader, sought, by, after, size + 1)
    known = await records(reader, [key[-1] for key in found])
    return [(known[key[-1]], key) for key in found if key[-1] in known]


async def _listed(
    reader: Reader,
    visible: Visibility,
    wanted: Filter,
    by: Sorting,
    after: Sequence[Any] | None,
    count: int,
) -> Select[Any]:
    """A walk along the order, or the tickets that have a value that few have."""
    if by.field is not None:
        return keys(visible, wanted, by, after, count)
    rare = await rarest(reader, wanted, count * _NEAR if by.is_by_age else count)
    if rare is not None and by.is_by_age and (rare.is_few or len(wanted.conditions) == 1):
        return _newest_values(visible, wanted, rare.one, by, after, count)
    return keys(visible, _few(wanted, rare), by, after, count)


def _few(wanted: Filter, rare: Counted | None) -> Filter:
    if rare is None or not rare.is_few:
        return wanted
    marked = (replace(one, few=True) if one is rare.one else one for one in wanted.conditions)
    return replace(wanted, conditions=tuple(marked))


def _newest_values(
    visible: Visibility, wanted: Filter, value: Custom, by: Sorting, after: Sequence[Any] | None, count: int
) -> Select[Any]:
    """Sorts what stands beside the values, and looks at tickets only until there are enough."""
    row = TicketFieldRow
    order = replace(by.order, columns=(row.created_at, row.ticket_id))
    hits = select(*order.columns).where(*having(value, row), *beyond(order, after))
    if len(value.values) != 1:
        hits = hits.distinct()
    sorted_hits = hits.order_by(*in_order(order)).offset(0).subquery()
    own = (sorted_hits.columns.created_at, sorted_hits.columns.ticket_id)
    rest = replace(wanted, conditions=tuple(one for one in wanted.conditions if one is not value))
    found = select(*own).join(TicketRow, TicketRow.id == sorted_hits.columns.ticket_id)
    found = found.where(*seen(visible), read_by_staff(visible), *conditions(visible, rest))
    return page(found, replace(by.order, columns=own), None, count - 1)


async def _keys(reader: Reader, statement: Select[Any]) -> list[Key]:
    return [tuple(row) for row in (await reader.execute(statement)).all()]


async def _matching(
    reader: Reader, sought: Search, by: Sorting, after: Sequence[Any] | None, count: int
) -> list[Key]:
    """The first `count` matches after `after` in the order of `sort`."""
    if _begins_elsewhere(sought.wanted):
        return await _keys(reader, _indexed(sought, by, after, count))
    matches, total = await _expected(reader, sought.asked)
    if by.is_by_age and sought.asked.wanted and matches > count:
        found = await _of_some_days(reader, sought, by, after, count, total / matches)
        if found is not None:
            return found
    if not sought.asked.wanted or matches > sqrt(count * total / _SCATTERED):
        patience = min(_PATIENCE * count * total / matches, 2 * _SCATTERED * matches)
        found = await _walked(reader, sought, by, after, count, int(patience))
        if found is not None:
            return found
    return await _keys(reader, _indexed(sought, by, after, count))


async def _expected(reader: Reader, asked: search.Asked) -> tuple[int, int]:
    """How many tickets hold the words and how many there are, as PostgreSQL's statistics have it."""
    if not asked.telling:  # exclusions alone pass nearly everything
        return 1, 1
    words = func.coalesce(TicketSearchRow.entire, TicketSearchRow.shared)
    matching: Select[Any] = select(literal_column("1")).where(words.bool_op("@@")(tsquery(asked.telling)))
    every: Select[Any] = select(literal_column("1")).select_from(TicketSearchRow)
    statement = matching.union_all(every)
    connection = await connection_of(reader)
    dialect = connection.dialect
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    plan = (await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {compiled}")).scalar_one()
    first, second = plan[0]["Plan"]["Plans"]
    return int(first["Plan Rows"]), int(second["Plan Rows"])


async def _of_some_days(
    reader: Reader, sought: Search, by: Sorting, after: Sequence[Any] | None, count: int, rarity: float
) -> list[Key] | None:
    """The first matches after `after`, if the days there hold enough of them. One of `rarity` tickets should match."""
    probe = page(select(TicketRow.created_at), by.order, after, _PROBE - 1).subquery()
    at = probe.columns.created_at
    known, oldest, newest = (await reader.execute(select(func.count(), func.min(at), func.max(at)))).one()
    if not known:
        return []
    whole = known < _PROBE  # it saw all that is left
    if whole:
        days = 1 + (_day(newest) - _day(oldest)).days
    else:  # not too many at first: words that go together are more frequent than statistics think
        enough = _SPARE * count * rarity * (newest - oldest) / known / timedelta(days=1)
        days = min(1 + ceil(enough), _DAYS // _FURTHER)
    first = newest if by.order.descending else oldest
    for _ in range(_TRIES):
        if days > _DAYS:
            return None
        period = _period(_day(first), days, by.order)
        found = await _keys(reader, _newest_matches(sought, by.order, after, count, period))
        if whole or len(found) >= count:
            return found
        days *= _FURTHER
    return None


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _period(first: date, days: int, order: Order) -> list[date]:
    """So many days from the first one on, as far as the calendar goes."""
    begin = first.toordinal()
    if order.descending:
        return [date.fromordinal(each) for each in range(max(begin - days + 1, 1), begin + 1)]
    return [date.fromordinal(each) for each in range(begin, min(begin + days, date.max.toordinal() + 1))]


async def _walked(
    reader: Reader, sought: Search, by: Sorting, after: Sequence[Any] | None, count: int, patience: int
) -> list[Key] | None:
    """Looks at the words of one ticket after the other; None if `patience` tickets were too few."""
    found: list[Key] = []
    chunk = _CHUNK
    while patience > 0:
        rows = await _looked_through(reader, sought, by, after, chunk)
        found += [tuple(row[:-2]) for row in rows if row.matches]
        if len(found) >= count or not rows or rows[-1].place < chunk:
            return found[:count]
        after, patience, chunk = rows[-1][:-2], patience - chunk, min(chunk * 2, 2_000)
    return None


async def _looked_through(
    reader: Reader, sought: Search, by: Sorting, after: Sequence[Any] | None, chunk: int
) -> Sequence[Any]:
    """The matches among the next `chunk` tickets, and the last of these, matching or not."""
    walk = keys(sought.visible, sought.wanted, by, after, chunk).cte("walk").prefix_with("MATERIALIZED")
    columns = [walk.columns[column.key] for column in by.order.columns]
    in_walk = in_order(replace(by.order, columns=tuple(columns)))
    place = func.row_number().over(order_by=in_walk).label("place")
    matches = document(sought.visible).bool_op("@@")(tsquery(sought.asked.all)).label("matches")
    looked = select(*columns, place, matches).join(
        TicketSearchRow, TicketSearchRow.ticket_id == walk.columns.id
    )
    if not sought.visible.everything:  # what may be read depends on the ticket
        looked = looked.join(TicketRow, TicketRow.id == walk.columns.id)
    rows = looked.subquery()
    last = select(func.count()).select_from(walk).scalar_subquery()
    statement = select(rows).where(rows.columns.matches | (rows.columns.place == last))
    return (await reader.execute(statement.order_by(rows.columns.place))).all()


def _begins_elsewhere(wanted: Filter) -> bool:
    """Whether few tickets are left by another condition than the words."""
    return any(isinstance(one, Custom) and one.few for one in wanted.conditions)


def _indexed(sought: Search, by: Sorting, after: Sequence[Any] | None, count: int) -> Select[Any]:
    """By the index of words, or of another condition that leaves less; sorted afterwards."""
    if by.is_by_age and sought.asked.wanted and not _begins_elsewhere(sought.wanted):
        return _newest_matches(sought, by.order, after, count)
    found = searched(keyed(sought.visible, sought.wanted, by), sought.visible, sought.asked)
    found = found.where(*seen(sought.visible), *conditions(sought.visible, sought.wanted))
    fenced = found.offset(0).subquery()  # keeps the limit from tempting it into a walk
    own = tuple(fenced.columns[column.key] for column in by.order.columns)
    return page(select(*own), replace(by.order, columns=own), after, count - 1)


def _newest_matches(
    sought: Search, order: Order, after: Sequence[Any] | None, count: int, days: Sequence[date] | None = None
) -> Select[Any]:
    """Sorts the matches, of all days or of some, by what stands beside their words, and looks at tickets only until
    there are enough."""
    words = func.coalesce(TicketSearchRow.entire, TicketSearchRow.shared)
    columns: tuple[Any, ...] = (TicketSearchRow.created_at, TicketSearchRow.ticket_id)
    matches: Select[Any] = select(*columns).where(words.bool_op("@@")(tsquery(sought.asked.wanted)))
    if days is not None:
        matches = matches.where(_is_of(days))
    simple = sought.visible.everything and sought.asked.all == sought.asked.wanted
    if simple and not sought.wanted.conditions:
        return page(matches, replace(order, columns=columns), after, count - 1)
    if not simple:
        matches = matches.add_columns(TicketSearchRow.shared, TicketSearchRow.entire)
    hits = matches.order_by(*in_order(replace(order, columns=columns))).offset(0).subquery()
    own = (hits.columns.created_at, hits.columns.ticket_id)
    found = select(*own).join(TicketRow, TicketRow.id == hits.columns.ticket_id)
    found = found.where(*seen(sought.visible), *conditions(sought.visible, sought.wanted))
    if not simple:
        readable = document(sought.visible, hits.columns)
        found = found.where(readable.bool_op("@@")(tsquery(sought.asked.all)))
    return page(found, replace(order, columns=own), after, count - 1)


def _is_of(days: Sequence[date]) -> ColumnElement[bool]:
    given = f"{{{','.join(map(str, days))}}}"  # in the statement, so that their number is known when it is planned
    return literal_column(DAY).bool_op("&&")(
        cast(bindparam(None, given, Text(), literal_execute=True), ARRAY(Date))
    )


async def _ranked(reader: Reader, sought: Search, after: Sequence[Any] | None, count: int) -> list[Key]:
    """The best of the newest matches. Words in the subject weigh most, those in comments least."""
    newest = await _matching(reader, sought, sorting("-created_at"), None, RANKED)
    words = sought.asked.wanted or sought.asked.all
    rank = func.ts_rank(document(sought.visible), tsquery(words), _BY_LENGTH)
    scores = (
        select(cast(rank * 1_000_000, Integer).label("score"), TicketRow.id)
        .join(TicketSearchRow, TicketSearchRow.ticket_id == TicketRow.id)
        .where(TicketRow.id.in_([key[-1] for key in newest]))
        .subquery()
    )
    best_first = Order((scores.columns.score, scores.columns.id), descending=True)
    return await _keys(reader, page(select(scores), best_first, after, count - 1))
