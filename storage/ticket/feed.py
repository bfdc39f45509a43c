"""Tickets in the order in which they changed, for whoever keeps a copy of them: no change is missed, none is told
for ever.

A trigger writes into each changed row the number of its transaction (`changed_in`). Transactions commit in another
order than their numbers, so a reader goes no further than the lowest number that still runs (`pg_snapshot_xmin`,
the fence): everything before it has ended, and whatever comes later has a higher number. A ticket stands where it
changed last, once; one that changes while the feed is read moves behind the fence of that pass.

Numbers mean nothing in another cluster of servers, and after a restore what a reader knows may never have
happened. `settle` tells both apart from going on: it begins a new generation, in which no cursor of the old one
holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import select, text, update

from domain.authorization import Visibility
from domain.errors import Unavailable
from domain.ticket.filter import Filter
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.tables.ticket import TicketRow
from storage.ticket.condition import narrow

Place = tuple[int, UUID]
"""Where a ticket stands in the feed."""

_ORDER: Final = Order((TicketRow.changed_in, TicketRow.id))
_NOW: Final = text("""
    SELECT generation, cluster = (SELECT system_identifier::text FROM pg_control_system()) AS settled,
        pg_snapshot_xmin(pg_current_snapshot())::text::bigint + coalesce(shift, 0) AS fence
    FROM (VALUES (1)) AS one (id) LEFT JOIN feeds USING (id)
""")
_SETTLED: Final = "SELECT cluster = (SELECT system_identifier::text FROM pg_control_system()) FROM feeds"
# The numbers of this cluster may be lower than those in the rows; then they are shifted above them.
_SETTLE: Final = """
    INSERT INTO feeds AS known (generation, shift, cluster)
    SELECT gen_random_uuid(), 0, system_identifier::text FROM pg_control_system()
    ON CONFLICT (id) DO UPDATE SET generation = excluded.generation, cluster = excluded.cluster, shift = greatest(
        known.shift,
        (SELECT max(changed_in) FROM tickets) + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    )
"""


@dataclass(frozen=True, slots=True)
class Fence:
    """Every change before `place` is there to be read; `generation` is None in a database that was never settled."""

    place: int
    generation: UUID | None


async def fence(reader: Reader) -> Fence:
    """Raises Unavailable in a database that was moved and not settled since."""
    row = (await reader.execute(_NOW)).one()
    if row.settled is False:
        raise Unavailable("feed_unsettled", "The database was moved. Run `duradesk migrate`.", retry_after=60)
    return Fence(place=row.fence, generation=row.generation)


async def changed(
    reader: Reader, visible: Visibility, wanted: Filter, after: Place | None, until: int, size: int
) -> list[Place]:
    """The next `size + 1` of the tickets that changed before `until`, the earliest first; raises Invalid for a
    name that nobody has."""
    narrowed = await narrow(reader, visible, wanted)
    places = select(*_ORDER.columns).where(TicketRow.changed_in < until)
    rows = (await reader.execute(page(narrowed(places), _ORDER, after, size))).all()
    return [(row.changed_in, row.id) for row in rows]


async def touch(writer: Writer, ticket_ids: Sequence[UUID]) -> None:
    """Tells that something changed that belongs to these tickets and stands elsewhere."""
    await writer.execute(
        update(TicketRow).where(TicketRow.id.in_(ticket_ids)).values(changed_in=TicketRow.changed_in)
    )


def settle(connection: psycopg.Connection[Any], *, restored: bool = False) -> None:
    """Begins a new generation if the database was `restored`, or has moved into another cluster of servers by
    other ways than ours. Nobody may write meanwhile, so writers are waited for."""
    with connection.transaction():
        row = connection.execute(_SETTLED).fetchone()
        if not restored and row is not None and row[0]:
            return
        connection.execute("LOCK TABLE tickets IN SHARE MODE")
        connection.execute(_SETTLE)
