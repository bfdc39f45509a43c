"""Reading one ticket: itself, its history, and the process behind it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.dependencies import Caller, CurrentDesk, IdempotencyKey, IfMatch
from api.errors import problems
from api.forms import Form, absent
from api.page import Page, PageQuery, page_of
from api.temporal import LIMIT, ask
from api.ticket.access import shown_to, ticket_for
from api.ticket.act import carry_out
from domain import ids
from domain.account import Ref
from domain.authorization import check, may
from domain.errors import Invalid
from domain.process import ProcessView
from domain.text import Body, Fields, Line
from domain.ticket.fields import Kind
from domain.ticket.moves import Action
from domain.ticket.record import EventRecord, LinkRecord, Ticket
from storage.ticket import read
from workflows.process import DESCRIBE

router = APIRouter(prefix="/tickets/{ticket_id}", tags=["tickets"])


class TicketDetail(Ticket):
    """A ticket with the people who watch it and the tickets it is linked to."""

    watchers: tuple[Ref, ...]
    linked: tuple[LinkRecord, ...]


@router.get("", response_model=TicketDetail, responses=problems(404))
async def get_ticket(ticket_id: UUID, desk: CurrentDesk, caller: Caller, response: Response) -> TicketDetail:
    async with desk.database.reading() as reader:
        ticket = await ticket_for(reader, caller, ticket_id, "ticket.read")
        internal = may(caller, "ticket.internal", read.facts(ticket))
        watchers = await read.watchers(reader, ticket_id) if internal else []
        linked = await read.links(reader, ticket_id) if internal else []
    response.headers["ETag"] = f'"{ticket.version}"'
    fields = dict(shown_to(caller, ticket))
    return TicketDetail(**fields, watchers=tuple(watchers), linked=tuple(linked))


class TicketChanges(Form):
    """Only the fields that are sent change."""

    subject: Line = Field(default_factory=absent)
    description: Body = Field(default_factory=absent)
    custom_fields: Fields = Field(default_factory=absent)
    kind: Kind = Field(default_factory=absent)


@router.patch("", response_model=Ticket, responses=problems(403, 404, 409, 412))
async def edit_ticket(
    ticket_id: UUID,
    form: TicketChanges,
    desk: CurrentDesk,
    caller: Caller,
    version: IfMatch,
    key: IdempotencyKey,
) -> Ticket:
    """Changes the contents. Everything that is part of the process has an action of its own."""
    if not form.model_fields_set:
        raise Invalid("nothing_to_change", "Name at least one field to change.")
    return await carry_out(desk, caller, ticket_id, Action.EDIT, form, version, key)


@router.get("/events", response_model=Page[EventRecord], responses=problems(404))
async def list_events(
    ticket_id: UUID, request: Request, query: Annotated[PageQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Page[EventRecord]:
    """The history, oldest first. Append-only: who, when, what, from, to, and the cause."""
    after = query.start("number", int, int)
    async with desk.database.reading() as reader:
        ticket = await ticket_for(reader, caller, ticket_id, "ticket.read")
        internal = may(caller, "ticket.internal", read.facts(ticket))
        rows = await read.events(reader, ticket_id, internal=internal, after=after, size=query.size)
    return page_of(request, query, rows, "number", lambda row: (row.number, row.position))


@router.get("/process", response_model=ProcessView, responses=problems(403, 404, 409))
async def get_process(ticket_id: UUID, desk: CurrentDesk, caller: Caller) -> ProcessView:
    """Asks the running workflow itself: its state, and every timer with its due time."""
    check(caller, "process.read")
    async with desk.database.reading() as reader:
        await ticket_for(reader, caller, ticket_id, "ticket.read")
    handle = desk.temporal.get_workflow_handle(ids.workflow_id("ticket", ticket_id))
    return await ask(handle.query(DESCRIBE, result_type=ProcessView, rpc_timeout=LIMIT))
