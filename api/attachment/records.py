"""The attachments of a ticket as records: their list, and taking one away."""

from uuid import UUID

from fastapi import APIRouter

from api.attachment.access import Store, attachment_for
from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.page import Page, whole
from api.ticket.access import ticket_for
from domain.attachment import Attachment
from domain.authorization import check, may
from storage import attachment
from storage.ticket import read

router = APIRouter(prefix="/tickets/{ticket_id}/attachments", tags=["attachments"])


@router.get("", response_model=Page[Attachment], responses=problems(404))
async def list_attachments(ticket_id: UUID, desk: CurrentDesk, caller: Caller) -> Page[Attachment]:
    """All of them on one page, oldest first."""
    async with desk.database.reading() as reader:
        ticket = await ticket_for(reader, caller, ticket_id, "ticket.read")
        internal = may(caller, "ticket.internal", read.facts(ticket))
        return whole(await attachment.of_ticket(reader, ticket_id, internal=internal))


@router.delete("/{attachment_id}", status_code=204, responses=problems(403, 404))
async def delete_attachment(
    ticket_id: UUID, attachment_id: UUID, desk: CurrentDesk, caller: Caller, objects: Store
) -> None:
    """By those who work on the ticket. The content goes with the record."""
    async with desk.database.reading() as reader:
        stored, facts = await attachment_for(reader, caller, ticket_id, attachment_id)
        check(caller, "ticket.update", facts)
    async with desk.database.writing() as writer:
        await attachment.remove(writer, ticket_id, attachment_id)
    await objects.delete(stored.key)
