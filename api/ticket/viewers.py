"""Who is looking at a ticket right now, so that two do not answer at once. For those who work on it."""

from uuid import UUID

from fastapi import APIRouter

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.forms import Form
from api.page import Page, whole
from api.ticket.access import ticket_for
from domain.ticket.record import ViewerRecord
from storage.ticket import viewers

router = APIRouter(prefix="/tickets/{ticket_id}/viewers", tags=["tickets"])


class Viewing(Form):
    typing: bool = False


@router.get("", responses=problems(403, 404))
async def list_viewers(ticket_id: UUID, desk: CurrentDesk, caller: Caller) -> Page[ViewerRecord]:
    async with desk.database.reading() as reader:
        await ticket_for(reader, caller, ticket_id, "ticket.internal")
        return whole(await viewers.viewers(reader, ticket_id))


@router.put("/me", responses=problems(403, 404))
async def view_ticket(
    ticket_id: UUID, desk: CurrentDesk, caller: Caller, form: Viewing | None = None
) -> Page[ViewerRecord]:
    """Says that the caller looks at the ticket, for 45 seconds; answers with everybody who does."""
    async with desk.database.reading() as reader:
        await ticket_for(reader, caller, ticket_id, "ticket.internal")
    async with desk.database.writing() as writer:
        await viewers.see(writer, ticket_id, caller.person_id, typing=form is not None and form.typing)
    return await list_viewers(ticket_id, desk, caller)


@router.delete("/me", status_code=204, responses=problems(403, 404))
async def leave_ticket(ticket_id: UUID, desk: CurrentDesk, caller: Caller) -> None:
    async with desk.database.reading() as reader:
        await ticket_for(reader, caller, ticket_id, "ticket.internal")
    async with desk.database.writing() as writer:
        await viewers.leave(writer, ticket_id, caller.person_id)
