"""What reports count, counted again in plain Python: event by event, without regard to how the desk does it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from domain.calendar import ALWAYS, working
from domain.ticket.fields import ACTIVE
from domain.ticket.state import TicketState
from storage.database import Database
from storage.tables.ticket import LedgerEntryRow, TicketEventRow, TicketRow
from tests.storage.hand import Hand


@dataclass(frozen=True)
class Was:
    """What a ticket was at a moment."""

    priority: str
    category: str | None
    kind: str | None
    channel: str
    team_id: UUID | None
    agent_id: UUID | None
    organization_id: UUID | None


@dataclass(frozen=True)
class Milestone:
    ticket_id: UUID
    number: int
    type: str
    at: datetime
    created_at: datetime
    opened_at: datetime | None
    reopened_at: datetime | None
    working: float
    first_contact: bool | None
    was: Was


@dataclass(frozen=True)
class Promise:
    ticket_id: UUID
    clock: str
    cycle: int
    outcome: str
    decided_at: datetime
    ended_at: datetime | None
    target: float
    elapsed: float | None
    was: Was


@dataclass
class Counted:
    tickets: Sequence[Any]
    milestones: list[Milestone]
    promises: list[Promise]


async def recount(database: Database, hand: Hand) -> Counted:
    async with database.reading() as reader:
        tickets = (await reader.execute(select(*TicketRow.__table__.columns))).all()
        order = (TicketEventRow.version, TicketEventRow.position)
        events = (await reader.scalars(select(TicketEventRow).order_by(*order))).all()
        ledger = (await reader.scalars(select(LedgerEntryRow).order_by(LedgerEntryRow.row))).all()
    milestones: list[Milestone] = []
    promises: list[Promise] = []
    for ticket in tickets:
        life = {state.event_number: state for state in hand.lives[ticket.id]}
        told = sorted(
            (one for one in events if one.ticket_id == ticket.id),
            key=lambda one: one.version * 100 + one.position,
        )
        milestones += _milestones(ticket, told, life)
        promises += _promises(ticket, [row for row in ledger if row.ticket_id == ticket.id], life)
    return Counted(tickets, milestones, promises)


def _was(ticket: Any, state: TicketState) -> Was:
    who = (state.team_id, state.assignee_id, state.organization_id)
    return Was(state.priority, state.category, state.kind, ticket.channel, *who)


def _milestones(ticket: Any, told: Iterable[Any], life: dict[int, TicketState]) -> list[Milestone]:
    found: list[Milestone] = []
    opened_at: datetime | None = ticket.created_at
    answered, came_back, done = False, False, 0

    def reached(number: int, type_: str, event: Any, **more: Any) -> None:
        state = life[event.version]
        calendar = ALWAYS if state.policy is None else state.policy.calendar
        seconds = working(calendar, ticket.created_at, event.at).total_seconds()
        milestone = Milestone(
            ticket.id,
            number,
            type_,
            event.at,
            ticket.created_at,
            None,
            None,
            seconds,
            None,
            _was(ticket, state),
        )
        found.append(replace(milestone, **more))

    for event in told:
        if event.type in ("replied", "resolved") and not answered:
            answered = True
            reached(0, "first_response", event)
        if event.type == "commented" and answered:
            came_back = True
        if event.type == "status_changed":
            before, after = (status in ACTIVE for status in event.data["status"])
            if before and not after:
                done += 1
                resolved = event.data["status"][1] == "resolved"
                contact = (done == 1 and not came_back) if resolved else None
                type_ = "resolution" if resolved else "merge"
                reached(done, type_, event, opened_at=opened_at, first_contact=contact)
            if after and not before:
                opened_at = event.at
                last = max((one for one in found if one.number), key=lambda one: one.number)
                found[found.index(last)] = replace(last, reopened_at=event.at)
    return found


def _promises(ticket: Any, rows: Iterable[Any], life: dict[int, TicketState]) -> list[Promise]:
    found: dict[tuple[str, int], Promise] = {}
    gone: dict[tuple[str, int], Promise] = {}
    for row in rows:
        key = (row.clock, row.cycle)
        was = _was(ticket, life[row.version])
        if row.kind == "breach":
            found[key] = Promise(ticket.id, *key, "broken", row.due_at, None, row.target, None, was)
        elif row.kind == "satisfy" and key not in found:
            if key in gone and gone[key].decided_at == row.at:  # at the same instant it is the same decision
                was = gone[key].was
            found[key] = Promise(ticket.id, *key, "kept", row.at, row.at, row.target, row.elapsed, was)
        elif row.kind in ("satisfy", "cancel") and key in found:
            found[key] = replace(found[key], ended_at=row.at, elapsed=row.elapsed)
        elif row.kind == "resume" and key in found:
            if found[key].outcome == "kept":
                gone[key] = found.pop(key)
            else:
                found[key] = replace(found[key], ended_at=None, elapsed=None)
    return list(found.values())
