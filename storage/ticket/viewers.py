"""Who has a ticket open on their screen. It matters for a minute and is lost with a crash, so no log is kept."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.account import Ref
from domain.ticket.record import ViewerRecord
from storage.database import Reader, Writer
from storage.tables.account import PersonRow
from storage.tables.ticket import TicketViewerRow

FRESH: Final = timedelta(seconds=45)
"""How long somebody counts as there after their last word; a page says so every 15 seconds."""


async def see(writer: Writer, ticket_id: UUID, person_id: UUID, *, typing: bool) -> None:
    """Says that the person is there now, and forgets who has gone."""
    of_ticket = TicketViewerRow.ticket_id == ticket_id
    await writer.execute(
        delete(TicketViewerRow).where(of_ticket, TicketViewerRow.seen_at < func.now() - FRESH)
    )
    values = {"ticket_id": ticket_id, "person_id": person_id, "typing": typing, "seen_at": func.now()}
    statement = upsert(TicketViewerRow).values(values)
    await writer.execute(
        statement.on_conflict_do_update(
            index_elements=["ticket_id", "person_id"], set_={"typing": typing, "seen_at": func.now()}
        )
    )


async def leave(writer: Writer, ticket_id: UUID, person_id: UUID) -> None:
    await writer.execute(
        delete(TicketViewerRow).where(
            TicketViewerRow.ticket_id == ticket_id, TicketViewerRow.person_id == person_id
        )
    )


async def viewers(reader: Reader, ticket_id: UUID) -> list[ViewerRecord]:
    statement = (
        select(TicketViewerRow.typing, TicketViewerRow.seen_at, PersonRow.id, PersonRow.name)
        .join(PersonRow, PersonRow.id == TicketViewerRow.person_id)
        .where(TicketViewerRow.ticket_id == ticket_id, TicketViewerRow.seen_at >= func.now() - FRESH)
        .order_by(PersonRow.name, PersonRow.id)
    )
    return [
        ViewerRecord(person=Ref(id=row.id, name=row.name), typing=row.typing, seen_at=row.seen_at)
        for row in (await reader.execute(statement)).all()
    ]
