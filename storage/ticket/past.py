"""Tickets that come from another desk: what belongs to them waits in the database until their process commits, because
it may be larger than what a process can carry; then it is taken over in that transaction.

Who the people are, and whether all of it may be, was decided before.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict
from domain.ticket.messages import Change
from storage.database import Reader, Writer, connection_of
from storage.pipeline import Answer, Pipeline, Statement
from storage.tables.account import OrganizationRow, TeamRow
from storage.tables.ticket import TicketImportRow, TicketRow
from storage.ticket import feed, measure

_FORGOTTEN: Final = text("DELETE FROM ticket_imports WHERE at < now() - interval '30 days'")
_IS_TAKEN: Final = text("SELECT EXISTS (SELECT FROM tickets WHERE number = :number)")
_NEXT: Final = text("SELECT nextval('tickets_number_seq')")
_IS_BEHIND: Final = text("SELECT last_value < :number FROM tickets_number_seq")
# Of two that pass each other without it, the lower could win.
_ALONE: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('tickets_number_seq', 0))")
_PASS: Final = text(
    "SELECT setval('tickets_number_seq', :number) FROM tickets_number_seq WHERE last_value < :number"
)
# A comment whose id stands on another ticket gets one that follows from both.
_TAKE_OVER: Final = Statement(
    text("""
    WITH taken AS (
        DELETE FROM ticket_imports WHERE ticket_id = :id RETURNING fingerprint, belongings
    ), ours AS (
        SELECT belongings FROM taken WHERE fingerprint = :fingerprint
    ), said AS (
        SELECT row.* FROM ours, jsonb_to_recordset(belongings -> 'comments')
            AS row (id uuid, author_id uuid, visibility text, body text, at timestamptz)
    ), comments AS (
        INSERT INTO ticket_comments (id, ticket_id, author_id, visibility, body, at)
        SELECT id, :id, author_id, visibility, body, at FROM said
        ON CONFLICT DO NOTHING RETURNING id
    ), others AS (
        INSERT INTO ticket_comments (id, ticket_id, author_id, visibility, body, at)
        SELECT CAST(md5(id::text || :id) AS uuid), :id, author_id, visibility, body, at
        FROM said WHERE id NOT IN (SELECT id FROM comments)
    ), watchers AS (
        INSERT INTO ticket_watchers (ticket_id, person_id)
        SELECT :id, CAST(value AS uuid) FROM ours, jsonb_array_elements_text(belongings -> 'watchers')
        ON CONFLICT DO NOTHING
    ), collaborators AS (
        INSERT INTO ticket_collaborators (ticket_id, person_id)
        SELECT :id, CAST(value AS uuid) FROM ours, jsonb_array_elements_text(belongings -> 'collaborators')
        ON CONFLICT DO NOTHING
    ), rated AS (
        UPDATE tickets SET satisfaction = CAST(belongings ->> 'satisfaction' AS smallint)
        FROM ours WHERE tickets.id = :id
    ), events AS (
        INSERT INTO ticket_events (ticket_id, version, position, type, at, actor_id, cause, data)
        SELECT :id, 0, row_number() OVER () - 1, row.type, row.at, row.actor_id, row.cause, row.data
        FROM ours, jsonb_to_recordset(belongings -> 'events')
            AS row (type text, at timestamptz, actor_id uuid, cause text, data jsonb)
    ), ledger AS (
        INSERT INTO sla_ledger (
            ticket_id, version, position, clock, cycle, kind, step, at, due_at, fired_at, started_at, target,
            elapsed, missed, cause, policy_id, policy_version, calendar_version
        )
        SELECT :id, 0, row_number() OVER () - 1, row.* FROM ours, jsonb_to_recordset(belongings -> 'ledger') AS row (
            clock text, cycle int, kind text, step text, at timestamptz, due_at timestamptz,
            fired_at timestamptz, started_at timestamptz, target float8, elapsed float8, missed int,
            cause text, policy_id uuid, policy_version int, calendar_version int
        )
    )
    SELECT belongings -> 'links' FROM ours
""").bindparams(bindparam("id", type_=Uuid()), bindparam("fingerprint", type_=Text()))
)
# Both tickets of a link may come at the same time, and whichever is second has to see the other.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:pair, 0))")
_LINK: Final = text("""
    INSERT INTO ticket_links (ticket_id, linked_id, relation)
    SELECT pair.* FROM (VALUES (:id, :other, :relation), (:other, :id, :inverse)) AS pair
    WHERE EXISTS (SELECT FROM tickets WHERE id = :other)
    ON CONFLICT DO NOTHING RETURNING ticket_id
""").bindparams(bindparam("id", type_=Uuid()), bindparam("other", type_=Uuid()))


async def stage(writer: Writer, ticket_id: UUID, fingerprint: str, belongings: Mapping[str, Any]) -> None:
    """Keeps what belongs to a ticket until its commit: `comments`, `events` and `ledger` with the columns of their
    tables, `watchers` and `collaborators` as ids, `links` with `ticket`, `relation` and its `inverse`, and
    `satisfaction`."""
    await writer.execute(_FORGOTTEN)
    values = {"belongings": dict(belongings), "at": func.now()}
    statement = upsert(TicketImportRow).values(ticket_id=ticket_id, fingerprint=fingerprint, **values)
    await writer.execute(
        statement.on_conflict_do_update(index_elements=["ticket_id", "fingerprint"], set_=values)
    )


async def named(reader: Reader | Writer, table: type[TeamRow | OrganizationRow], name: str) -> UUID | None:
    """The team or organization of this name."""
    found: UUID | None = await reader.scalar(
        select(table.id).where(func.lower(table.name) == func.lower(name))
    )
    return found


async def is_there(reader: Reader | Writer, ticket_id: UUID) -> bool:
    return await reader.scalar(select(TicketRow.id).where(TicketRow.id == ticket_id)) is not None


async def number(writer: Writer, wanted: int) -> int:
    """The number `wanted`, or a new one if another ticket has it; new tickets get later ones."""
    connection = await connection_of(writer)
    if (await connection.execute(_IS_TAKEN, {"number": wanted})).scalar_one():
        return int((await connection.execute(_NEXT)).scalar_one())
    if (await connection.execute(_IS_BEHIND, {"number": wanted})).scalar_one():
        await connection.execute(_ALONE)
        await connection.execute(_PASS, {"number": wanted})
    return wanted


def add(asking: Pipeline, change: Change) -> Answer | None:
    """Writes what was staged for a ticket whose row is written, before the first rows of its history here."""
    opened = change.opened
    if opened is None or opened.past is None:
        return None
    return asking.ask(_TAKE_OVER, id=change.ticket_id, fingerprint=opened.fingerprint)


async def finish(writer: Writer, connection: AsyncConnection, change: Change, taken: Answer | None) -> None:
    """Counts for reports what came with the ticket, and links it to the tickets that are there. Links lock others, so
    they come last. Raises Conflict if what belongs to the ticket is not there any more."""
    if taken is None:
        return
    if not taken.rows:
        raise Conflict("import_forgotten", "What belongs to this ticket waited too long. Import it again.")
    await connection.run_sync(measure.catch_up, [change.ticket_id])
    pairs = {":".join(sorted((str(change.ticket_id), link["ticket"]))): link for link in taken.scalar()}
    changed = []
    for pair, link in sorted(pairs.items()):
        await connection.execute(_LOCK, {"pair": pair})
        given = {"relation": link["relation"], "inverse": link["inverse"]}
        made = await connection.execute(
            _LINK, {"id": change.ticket_id, "other": UUID(link["ticket"]), **given}
        )
        changed += [one for one in made.scalars() if one != change.ticket_id]
    if changed:
        await feed.touch(writer, sorted(changed))
