"""How a route gets at a ticket: it reads it, asks the policy, and answers 404 for one that is not the caller's."""

from uuid import UUID

from domain.account import Principal
from domain.authorization import check, may, not_found
from domain.ticket.record import PersonRef, Ticket
from storage.database import Database, Reader, Writer
from storage.ticket import read


async def ticket_for(reader: Reader | Writer, caller: Principal, ticket_id: UUID, action: str) -> Ticket:
    """The ticket, if the caller may do `action` to it; raises NotFound or Forbidden."""
    ticket = await read.get(reader, ticket_id)
    if ticket is None:
        raise not_found()
    check(caller, action, read.facts(ticket))
    return ticket


async def shown(database: Database, caller: Principal, ticket_id: UUID) -> Ticket:
    """The ticket as the caller may see it, after a change of theirs."""
    async with database.reading() as reader:
        return shown_to(caller, await ticket_for(reader, caller, ticket_id, "ticket.read"))


def shown_to(caller: Principal, ticket: Ticket) -> Ticket:
    """Without what only the staff may see of it."""
    if may(caller, "ticket.internal", read.facts(ticket)):
        return ticket
    requester = PersonRef(id=ticket.requester.id, name=ticket.requester.name)
    hidden = ("next_step", "next_step_at", "waiting_reason", "classification", "satisfaction")
    return ticket.model_copy(
        update={**dict.fromkeys(hidden), "requester": requester, "tags": (), "custom_fields": {}}
    )
