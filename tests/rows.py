"""Rows that a test inserts by hand, where the process that writes them is not what it is about."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert

from domain.field import comparables
from storage.database import Database, connection_of
from storage.tables.ticket import TicketFieldRow, TicketRow, TicketTagRow
from storage.ticket.words import write_anew


async def insert_ticket(database: Database, requester_id: UUID, **fields: Any) -> UUID:
    """A ticket of which no process knows; `fields` are columns of tickets."""
    now = datetime.now(UTC)
    values = {
        "id": uuid4(),
        "version": 1,
        "fingerprint": "",
        "subject": "The printer is on fire",
        "description": "It burns.",
        "status": "open",
        "priority": "normal",
        "rank": 3,
        "requested_priority": "normal",
        "channel": "api",
        "tier": 1,
        "requester_id": requester_id,
        "created_at": now,
        "updated_at": now,
        **fields,
    }
    custom = [
        {"ticket_id": values["id"], "created_at": values["created_at"], **asdict(one)}
        for one in comparables(fields.get("custom_fields", {}))
    ]
    async with database.writing() as writer:
        await writer.execute(insert(TicketRow).values(values))
        if custom:
            await writer.execute(insert(TicketFieldRow), custom)
        for tag in fields.get("tags", ()):
            row = {"ticket_id": values["id"], "tag": tag, "team_id": fields.get("team_id")}
            await writer.execute(insert(TicketTagRow).values(row))
        await write_anew(await connection_of(writer), values["id"])
    ticket_id: UUID = values["id"]
    return ticket_id
