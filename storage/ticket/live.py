"""What has changed in tickets just now: for streams that tell it, and for streams that were interrupted.

Each commit of a ticket says NOTIFY with the ticket and its version, and keeps the database's own time in
`changed_at`. A transaction writes that time when it begins and lives no longer than the patience of its session, so
whoever asks again from `OVERLAP` before what they know misses no commit, however late it came.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, tuple_

from domain.authorization import TicketFacts, Visibility
from domain.ticket.record import Ticket
from storage.database import PATIENCE, Reader
from storage.tables.ticket import TicketCollaboratorRow, TicketEventRow, TicketRow
from storage.ticket.condition import seen
from storage.ticket.listing import records
from storage.ticket.read import INTERNAL_EVENTS, facts

CHANNEL: Final = "duradesk_tickets"
OVERLAP: Final = PATIENCE + timedelta(seconds=10)

Commit = tuple[UUID, int]
"""A ticket and the version that a commit made of it."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A ticket as it is now, what the policy must know of it, and the kinds of the events that were told."""

    ticket: Ticket
    facts: TicketFacts
    events: tuple[str, ...] = ()

    def events_for(self, *, internal: bool) -> tuple[str, ...]:
        return self.events if internal else tuple(one for one in self.events if one not in INTERNAL_EVENTS)


def parsed(payload: str) -> Commit:
    """The commit that a notification tells of."""
    ticket_id, _, version = payload.partition(":")
    return UUID(ticket_id), int(version)


async def clock(reader: Reader) -> datetime:
    """The database's time."""
    now: datetime | None = await reader.scalar(select(func.now()))
    assert now is not None
    return now


async def changed(reader: Reader, commits: Iterable[Commit]) -> list[Changed]:
    """The tickets of these commits, as far as they are still there."""
    told: dict[UUID, list[str]] = {}
    given = list(commits)
    statement = (
        select(TicketEventRow.ticket_id, TicketEventRow.type)
        .where(tuple_(TicketEventRow.ticket_id, TicketEventRow.version).in_(given))
        .order_by(TicketEventRow.version, TicketEventRow.position)
    )
    for row in (await reader.execute(statement)).all():
        told.setdefault(row.ticket_id, []).append(row.type)
    return await _changed(reader, list(dict.fromkeys(ticket_id for ticket_id, _ in given)), told)


async def changed_since(
    reader: Reader, visible: Visibility, since: datetime, limit: int, only: Sequence[UUID] | None = None
) -> list[Changed] | None:
    """The tickets that changed since, the earliest first; None if they are more than `limit`."""
    statement = (
        select(TicketRow.id)
        .where(TicketRow.changed_at >= since, *seen(visible))
        .order_by(TicketRow.changed_at, TicketRow.id)
        .limit(limit + 1)
    )
    if only is not None:
        statement = statement.where(TicketRow.id.in_(only))
    ids = (await reader.scalars(statement)).all()
    return None if len(ids) > limit else await _changed(reader, ids, {})


async def _changed(reader: Reader, ids: Sequence[UUID], told: dict[UUID, list[str]]) -> list[Changed]:
    found = await records(reader, ids)
    statement = select(TicketCollaboratorRow.ticket_id, TicketCollaboratorRow.person_id).where(
        TicketCollaboratorRow.ticket_id.in_(ids)
    )
    follow: dict[UUID, set[UUID]] = {}
    for row in (await reader.execute(statement)).all():
        follow.setdefault(row.ticket_id, set()).add(row.person_id)
    return [
        Changed(
            ticket=found[one],
            facts=facts(found[one]).followed_by(follow.get(one, ())),
            events=tuple(dict.fromkeys(told.get(one, ()))),
        )
        for one in ids
        if one in found
    ]
