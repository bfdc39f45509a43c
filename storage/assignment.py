"""Finds who could take a ticket, and gives it to them, under one lock.

Two tickets that look for an agent at the same moment, and an agent who becomes free at the moment in which a
ticket starts to wait, all take the same advisory lock. It is held to the end of the transaction, so the
second one sees what the first one did: no place is given twice, and no free agent is overlooked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, case, func, literal, or_, select, text, update
from sqlalchemy.sql import Select

from domain.account import Role
from domain.assignment import Candidate
from domain.ticket.fields import ACTIVE, LOADING, Priority
from storage.database import Reader, Writer
from storage.tables.account import Person as PersonRow
from storage.tables.account import Team as TeamRow
from storage.tables.account import TeamMember as TeamMemberRow
from storage.tables.ticket import TicketRow

_LOCK: Final = text("SELECT pg_advisory_xact_lock(7215001)")
_WEIGHT = case(*((TicketRow.priority == one, one.weight) for one in Priority), else_=1)


async def lock(writer: Writer) -> None:
    """Waits until no other transaction is giving out tickets; released at the end of this one."""
    await writer.execute(_LOCK)


async def team_of(reader: Reader | Writer, category: str | None) -> UUID | None:
    """The team that takes tickets of `category`, by name if several do."""
    if category is None:
        return None
    statement = (
        select(TeamRow.id).where(TeamRow.categories.contains([category])).order_by(TeamRow.name).limit(1)
    )
    found: UUID | None = await reader.scalar(statement)
    return found


async def candidates(reader: Reader | Writer, team_id: UUID | None, now: datetime) -> list[Candidate]:
    """The active agents of a team with what they carry now; of the whole desk without a team."""
    statement = _agents(now)
    if team_id is not None:
        members = select(TeamMemberRow.person_id).where(TeamMemberRow.team_id == team_id)
        statement = statement.where(PersonRow.id.in_(members))
    return [_candidate(row) for row in (await reader.execute(statement)).all()]


async def give(writer: Writer, agent_id: UUID, now: datetime) -> None:
    """Remembers when the agent was last given a ticket."""
    await writer.execute(update(PersonRow).where(PersonRow.id == agent_id).values(last_assigned_at=now))


async def team_ids_of(reader: Reader | Writer) -> dict[UUID, frozenset[UUID]]:
    """The members of every team."""
    rows = (await reader.execute(select(TeamMemberRow.team_id, TeamMemberRow.person_id))).all()
    members: dict[UUID, set[UUID]] = {}
    for team_id, person_id in rows:
        members.setdefault(team_id, set()).add(person_id)
    return {team_id: frozenset(people) for team_id, people in members.items()}


async def waiting(reader: Reader | Writer, limit: int) -> Sequence[Any]:
    """Tickets that wait for someone, the most urgent and then the oldest first."""
    statement = (
        select(TicketRow.id, TicketRow.team_id, TicketRow.tier, TicketRow.category)
        .where(TicketRow.waiting_reason.is_not(None))
        .order_by(TicketRow.rank, TicketRow.created_at, TicketRow.id)
        .limit(limit)
    )
    return (await reader.execute(statement)).all()


async def active_tickets_of(reader: Reader, person_id: UUID) -> list[UUID]:
    """The tickets for which a person still has something to do."""
    statement = select(TicketRow.id).where(TicketRow.assignee_id == person_id, TicketRow.status.in_(ACTIVE))
    return list((await reader.scalars(statement)).all())


async def active_tickets(reader: Reader, after: UUID | None, size: int) -> list[UUID]:
    """A page of all open tickets, in the order of their ids."""
    statement = select(TicketRow.id).where(TicketRow.status.in_(ACTIVE)).order_by(TicketRow.id).limit(size)
    if after is not None:
        statement = statement.where(TicketRow.id > after)
    return list((await reader.scalars(statement)).all())


async def is_anyone_waiting(reader: Reader | Writer) -> bool:
    statement = select(select(TicketRow.id).where(TicketRow.waiting_reason.is_not(None)).exists())
    return bool(await reader.scalar(statement))


async def absent_at(reader: Reader | Writer, person_id: UUID, now: datetime) -> bool:
    """Whether a person cannot work now: away, no longer active, or no longer an agent."""
    statement = select(PersonRow.active, _absent(now)).where(PersonRow.id == person_id)
    row = (await reader.execute(statement)).one_or_none()
    return row is None or not row[0] or bool(row[1])


def _agents(now: datetime) -> Select[Any]:
    load = (
        select(func.count().label("tickets"), func.coalesce(func.sum(_WEIGHT), 0).label("load"))
        .where(TicketRow.assignee_id == PersonRow.id, TicketRow.status.in_(LOADING))
        .lateral("load")
    )
    return (
        select(
            PersonRow.id,
            PersonRow.tier,
            PersonRow.skills,
            PersonRow.capacity,
            PersonRow.last_assigned_at,
            _absent(now).label("absent"),
            load.c.tickets,
            load.c.load,
        )
        .join(load, literal(value=True))
        .where(PersonRow.active, PersonRow.roles.contains([Role.AGENT.value]))
    )


def _absent(now: datetime) -> Any:
    return func.coalesce(
        (PersonRow.absent_from <= now) & or_(PersonRow.absent_until.is_(None), PersonRow.absent_until > now),
        literal(value=False),
    )


def _candidate(row: Row[Any]) -> Candidate:
    return Candidate(
        id=row.id,
        tier=row.tier,
        skills=frozenset(row.skills),
        capacity=row.capacity,
        tickets=row.tickets,
        load=row.load,
        idle_since=row.last_assigned_at,
        absent=row.absent,
    )
