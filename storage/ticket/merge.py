"""Merging one ticket into another, and taking it out again: what changes outside of the merged ticket itself.

Nothing is moved. The other ticket shows the messages of those merged into it (`storage/ticket/read.py`), and
whoever came to it by the merge leaves it when that is taken back.
"""

from typing import Final

from sqlalchemy import Uuid, bindparam, delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict
from domain.ticket.fields import ACTIVE
from domain.ticket.messages import Change
from storage import outbox
from storage.database import Writer, table_of
from storage.tables.ticket import TicketCollaboratorRow, TicketRow

_TICKETS: Final = table_of(TicketRow)
# In the order of their ids, so two tickets that are merged into each other at once do not wait in a circle.
_BOTH: Final = (
    select(_TICKETS.c.id, _TICKETS.c.status)
    .where(_TICKETS.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_TICKETS.c.id)
    .with_for_update()
)
_FOLLOW: Final = text("""
    INSERT INTO ticket_collaborators (ticket_id, person_id, via)
    SELECT :into, person_id, :id FROM (
        SELECT requester_id AS person_id FROM tickets WHERE id = :id AND :share
        UNION SELECT person_id FROM ticket_collaborators WHERE ticket_id = :id AND :share
    ) AS people
    WHERE person_id <> (SELECT requester_id FROM tickets WHERE id = :into)
    ON CONFLICT DO NOTHING
""").bindparams(bindparam("into", type_=Uuid()), bindparam("id", type_=Uuid()))


async def check(connection: AsyncConnection, change: Change) -> None:
    """Raises Conflict `cannot_merge_into` unless the other ticket is active; both stay locked until the commit,
    so no circle can close."""
    if change.merge is None:
        return
    ids = [change.ticket_id, change.merge.into]
    statuses = {row.id: row.status for row in (await connection.execute(_BOTH, {"ids": ids})).all()}
    status = statuses.get(change.merge.into)
    if status not in ACTIVE:
        raise Conflict(
            "cannot_merge_into",
            f"A ticket can only be merged into one that is being worked on; this one is {status}.",
            field="into",
        )


async def write(writer: Writer, connection: AsyncConnection, change: Change) -> None:
    """The followers that come or go, and word to the other ticket's process."""
    if change.merge is not None:
        values = {"into": change.merge.into, "id": change.ticket_id, "share": change.merge.share}
        await connection.execute(_FOLLOW, values)
        await _tell(writer, change, "merged", str(change.merge.into))
    if change.unmerge is not None:
        came_with = TicketCollaboratorRow.via == change.ticket_id
        await writer.execute(delete(TicketCollaboratorRow).where(came_with))
        await _tell(writer, change, "unmerged", str(change.unmerge))


async def _tell(writer: Writer, change: Change, cause: str, other: str) -> None:
    told = {"cause": cause, "ticket_id": str(change.ticket_id), "version": change.state.event_number}
    await outbox.put(writer, "ticket", other, told)
