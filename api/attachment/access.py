"""What the routes of attachments share: the store of objects, and who gets at which attachment."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from adapters.objects import Objects
from api.ticket.access import ticket_for
from domain.account import Principal
from domain.authorization import TicketFacts, may, not_found
from domain.ticket.fields import Visibility
from storage import attachment
from storage.attachment import Stored
from storage.database import Reader
from storage.ticket import read


async def _objects(request: Request) -> Objects:
    objects: Objects = request.app.state.objects
    return objects


Store = Annotated[Objects, Depends(_objects)]


async def attachment_for(
    reader: Reader, caller: Principal, ticket_id: UUID, attachment_id: UUID
) -> tuple[Stored, TicketFacts]:
    """The attachment that the caller may read, and its ticket; raises NotFound also for a hidden one."""
    facts = read.facts(await ticket_for(reader, caller, ticket_id, "ticket.read"))
    stored = await attachment.get(reader, ticket_id, attachment_id)
    if stored is None:
        raise not_found()
    if stored.record.visibility is Visibility.INTERNAL and not may(caller, "ticket.internal", facts):
        raise not_found()
    return stored, facts
