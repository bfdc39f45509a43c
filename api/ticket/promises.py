"""The promises of a ticket: how each clock stands, and the ledger of all that ever happened to it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
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
from domain.sla.view import CompletedCycle, Promises, Span, promises
from storage.tables.ticket import LedgerEntryRow
from storage.ticket import read

router = APIRouter(prefix="/tickets/{ticket_id}/sla", tags=["sla"])

_ENDS = {Entry.SATISFY: "satisfied", Entry.CANCEL: "cancelled"}


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
        rows = await read.ledger(reader, ticket_id)
    assert state is not None
    return promises(state.policy, state.clocks.values(), _completed(rows), datetime.now(UTC))


@router.get("/ledger", response_model=Page[LedgerRecord], responses=problems(404))
async def get_ledger(ticket_id: UUID, desk: CurrentDesk, caller: Caller) -> Page[LedgerRecord]:
    """Every row, in the order in which the process wrote them."""
    async with desk.database.reading() as reader:
        await ticket_for(reader, caller, ticket_id, "ticket.sla")
        rows = await read.ledger(reader, ticket_id)
    return whole([_record(row) for row in rows])


def _record(row: LedgerEntryRow) -> LedgerRecord:
    return LedgerRecord(
        clock=ClockName(row.clock),
        cycle=row.cycle,
        kind=Entry(row.kind),
        step=row.step,
        due_at=row.due_at,
        fired_at=row.fired_at,
        at=row.at,
        cause=row.cause,
        target=_seconds(row.target),
        elapsed=_seconds(row.elapsed),
        missed=row.missed,
        policy_id=row.policy_id,
        policy_version=row.policy_version,
        calendar_version=row.calendar_version,
    )


def _completed(rows: Sequence[LedgerEntryRow]) -> Iterable[tuple[ClockName, CompletedCycle]]:
    """The ended cycles. A cycle that a reopened ticket goes on with ended only when it ended last."""
    ended: dict[tuple[str, int], LedgerEntryRow] = {}
    breached: set[tuple[str, int]] = set()
    for row in rows:
        key = (row.clock, row.cycle)
        if row.kind == Entry.BREACH:
            breached.add(key)
        if row.kind in _ENDS:
            ended[key] = row
        elif row.kind == Entry.RESUME:
            ended.pop(key, None)
    for key, row in ended.items():
        yield (
            ClockName(row.clock),
            CompletedCycle(
                cycle=row.cycle,
                outcome=_ENDS[Entry(row.kind)],
                target=_seconds(row.target) or timedelta(0),
                started_at=row.started_at or row.at,
                ended_at=row.at,
                elapsed=_seconds(row.elapsed) or timedelta(0),
                breached=key in breached,
            ),
        )


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)
