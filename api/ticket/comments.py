"""The conversation of a ticket: public messages, and notes that only the staff reads."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from api.dependencies import Caller, CurrentDesk, IdempotencyKey, IfMatch
from api.errors import problems
from api.forms import Form
from api.page import Page, PageQuery, page_of
from api.ticket.access import ticket_for
from api.ticket.act import carry_out
from api.ticket.forms import Words
from domain.authorization import may
from domain.text import Body
from domain.ticket.fields import Visibility
from domain.ticket.moves import Action
from domain.ticket.record import CommentRecord, Ticket
from storage.ticket import read

router = APIRouter(prefix="/tickets/{ticket_id}/comments", tags=["tickets"])


class NewComment(Form):
    """Staff write in public or internally; a requester's message is always public."""

    body: Body
    visibility: Visibility = Visibility.PUBLIC


@router.get("", response_model=Page[CommentRecord], responses=problems(404))
async def list_comments(
    ticket_id: UUID, request: Request, query: Annotated[PageQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Page[CommentRecord]:
    """Oldest first."""
    after = query.start("at", datetime, UUID)
    async with desk.database.reading() as reader:
        ticket = await ticket_for(reader, caller, ticket_id, "ticket.read")
        internal = may(caller, "ticket.internal", read.facts(ticket))
        rows = await read.comments(reader, ticket_id, internal=internal, after=after, size=query.size)
    return page_of(request, query, rows, "at", lambda row: (row.at, row.id))


@router.post("", status_code=201, response_model=Ticket, responses=problems(403, 404, 409, 412))
async def write_comment(
    ticket_id: UUID,
    form: NewComment,
    desk: CurrentDesk,
    caller: Caller,
    version: IfMatch,
    key: IdempotencyKey,
) -> Ticket:
    """The same as the action `reply` or `note`."""
    action = Action.NOTE if form.visibility is Visibility.INTERNAL else Action.REPLY
    return await carry_out(desk, caller, ticket_id, action, Words(body=form.body), version, key)
