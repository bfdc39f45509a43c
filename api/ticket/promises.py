"""The promises of a ticket: how each clock stands, and the ledger of all that ever happened to it."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.page import Page, whole
from api.ticket.access import ticket_for
from domain.account import Value
from domain.sla.ledger import Entry
from domain.sla.policy import ClockName
from domain.sla.view import Promises, Span, completed, promises
from storage.ticket import read

router = APIRouter(prefix="/tickets/{ticket_id}/sla", tags=["sla"])


class LedgerRecord(Value):
    """A row of the ledger. `missed` counts repeats that an outage swallowed beside this one."""

    clock: ClockName
    cycle: int
    kind: Entry
    step: str | None
    due_at: AwareDatetime | None
    fired_at: AwareDatetime | None
    at: AwareDatetime
    cause: str
    target: Span | None
    elapsed: Span | None
    missed: int
    policy_id: UUID
    policy_version: int
    calendar_version: int


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
    return whole([LedgerRecord(**entry.model_dump(exclude={"started_at"})) for entry in entries])
