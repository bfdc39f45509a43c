"""The promises of a ticket: how each clock stands, and the ledger of all that ever happened to it."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.page import Page, whole
from api.ticket.access import ticket_for
from domain.sla.view import LedgerRecord, Promises, completed, promises
from storage.ticket import read

router = APIRouter(prefix="/tickets/{ticket_id}/sla", tags=["sla"])


@router.get("", response_model=Promises, responses=problems(404))
async def get_promises(ticket_id: UUID, desk: CurrentDesk, caller: Caller) -> Promises:
    async with desk.database.reading() as reader:
        await ticket_for(reader, caller, ticket_id, "ticket.sla")
        state = await read.state(reader, ticket_id)
        entries = await read.ledger(reader, ticket_id)
    assert state is not None
    return promises(state.policy, state.clocks.values(), completed(entries), datetime.now(UTC))


@router.get("/ledger", response_model=Page[LedgerRecord], responses=problems(404))
async def get_ledger(ticket_id: UUID, desk: CurrentDesk, caller: Caller) -> Page[LedgerRecord]:
    """Every row, in the order in which the process wrote them."""
    async with desk.database.reading() as reader:
        await ticket_for(reader, caller, ticket_id, "ticket.sla")
        entries = await read.ledger(reader, ticket_id)
    return whole([LedgerRecord.model_validate(entry) for entry in entries])
