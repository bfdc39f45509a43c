"""Finds who could take a ticket, and gives it to them, under one lock.

Two tickets that look for an agent at the same moment, and an agent who becomes free at the moment in which a
ticket starts to wait, all take the same advisory lock. It is held to the end of the transaction, so the
second one sees what the first one did: no place is given twice, and no free agent is overlooked.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Text, bindparam, case, cast, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.account import Role
from domain.assignment import Candidate
from domain.ticket.fields import ACTIVE, LOADING, Priority
from storage.database import Reader, Writer, table_of
from storage.tables.account import Person, Team, TeamMember
from storage.tables.ticket import TicketRow

_PEOPLE: Final = table_of(Person)
_MEMBERS: Final = table_of(TeamMember)
_TEAMS: Final = table_of(Team)
_TICKETS: Final = table_of(TicketRow)

_LOCK: Final = text("SELECT pg_advisory_xact_lock(7215001)")
_WEIGHT: Final = case(*((_TICKETS.c.priority == one, one.weight) for one in Priority), else_=1)
_ABSENT: Final = func.coalesce(
    (_PEOPLE.c.absent_from <= bindparam("now"))
    & or_(_PEOPLE.c.absent_until.is_(None), _PEOPLE.c.absent_until > bindparam("now")),
    literal(value=False),
)
_LOAD: Final = (
    select(func.count().label("tickets"), func.coalesce(func.sum(_WEIGHT), 0).label("load"))
    .where(_TICKETS.c.assignee_id == _PEOPLE.c.id, _TICKETS.c.status.in_(LOADING))
    .lateral("load")
)
_AGENTS: Final = (
    select(
        _PEOPLE.c.id,
        _PEOPLE.c.tier,
        _PEOPLE.c.skills,
        _PEOPLE.c.capacity,
        _PEOPLE.c.last_assigned_at,
        _ABSENT.label("absent"),
        _LOAD.c.tickets,
        _LOAD.c.load,
    )
    .join(_LOAD, literal(value=True))
    .where(_PEOPLE.c.active, _PEOPLE.c.roles.contains([Role.AGENT.value]))
)
_TEAM_AGENTS: Final = _AGENTS.where(
    _PEOPLE.c.id.in_(select(_MEMBERS.c.person_id).where(_MEMBERS.c.team_id == bindparam("team_id")))
)
_TEAM_OF: Final = (
    select(_TEAMS.c.id)
    .where(_TEAMS.c.categories.contains(cast(array([bindparam("category")]), ARRAY(Text))))
    .order_by(_TEAMS.c.name)
    .limit(1)
)
_GIVE: Final = (
    update(_PEOPLE).where(_PEOPLE.c.id == bindparam("agent_id")).values(last_assigned_at=bindparam("now"))
)
_CAN_WORK: Final = select(_PEOPLE.c.active & ~_ABSENT).where(_PEOPLE.c.id == bindparam("person_id"))
_ANYONE_WAITING: Final = select(select(_TICKETS.c.id).where(_TICKETS.c.waiting_reason.is_not(None)).exists())


async def lock(connection: AsyncConnection) -> None:
    """Waits until no other transaction is giving out tickets; released at the end of this one."""
    await connection.execute(_LOCK)


async def team_of(connection: AsyncConnection, category: str | None) -> UUID | None:
    """The team that takes tickets of `category`, the first by name if several do."""
    if category is None:
        return None
    found: UUID | None = await connection.scalar(_TEAM_OF, {"category": category})
    return found


async def candidates(connection: AsyncConnection, team_id: UUID | None, now: datetime) -> list[Candidate]:
    """The active agents of a team with what they carry now; of the whole desk without a team."""
    statement = _AGENTS if team_id is None else _TEAM_AGENTS
    parameters = {"now": now} if team_id is None else {"now": now, "team_id": team_id}
    return [_candidate(row) for row in (await connection.execute(statement, parameters)).all()]


async def give(connection: AsyncConnection, agent_id: UUID, now: datetime) -> None:
    """Remembers when the agent was last given a ticket."""
    await connection.execute(_GIVE, {"agent_id": agent_id, "now": now})


async def can_work(connection: AsyncConnection, person_id: UUID, now: datetime) -> bool:
    """Whether a person is active and not away."""
    return bool(await connection.scalar(_CAN_WORK, {"person_id": person_id, "now": now}))


async def is_anyone_waiting(connection: AsyncConnection) -> bool:
    return bool(await connection.scalar(_ANYONE_WAITING))


async def team_ids_of(reader: Reader | Writer) -> dict[UUID, frozenset[UUID]]:
    """The members of every team."""
    rows = (await reader.execute(select(TeamMember.team_id, TeamMember.person_id))).all()
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
