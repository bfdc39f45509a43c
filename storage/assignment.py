"""Finds who could take a ticket, and gives it to them, under one lock.

Two tickets that look for an agent at the same moment, and an agent who becomes free at the moment in which a
ticket starts to wait, all take the same advisory lock. It is held to the end of the transaction, so the
second one sees what the first one did: no place is given twice, and no free agent is overlooked.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, bindparam, case, cast, func, literal, literal_column, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, array

from domain.account import Role
from domain.assignment import Candidate
from domain.ticket.fields import ACTIVE, LOADING, Priority
from storage.database import Reader, Writer, table_of
from storage.pipeline import Pipeline, Statement, pipeline
from storage.tables.account import PersonRow, TeamMemberRow, TeamRow
from storage.tables.ticket import TicketRow

_PEOPLE: Final = table_of(PersonRow)
_MEMBERS: Final = table_of(TeamMemberRow)
_TEAMS: Final = table_of(TeamRow)
_TICKETS: Final = table_of(TicketRow)

_LOCK: Final = Statement(text("SELECT pg_advisory_xact_lock(7215001)"))
_WEIGHT: Final = case(*((_TICKETS.c.priority == one, one.weight) for one in Priority), else_=1)
_ABSENT: Final = func.coalesce(
    (_PEOPLE.c.absent_from <= bindparam("now"))
    & or_(_PEOPLE.c.absent_until.is_(None), _PEOPLE.c.absent_until > bindparam("now")),
    literal(value=False),
)
_CARRIED: Final = _TICKETS.c.status.in_([literal_column(f"'{status}'") for status in LOADING])
_LOAD: Final = (
    select(func.count().label("tickets"), func.coalesce(func.sum(_WEIGHT), 0).label("load"))
    .where(_TICKETS.c.assignee_id == _PEOPLE.c.id, _CARRIED)
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
_IN_TEAM: Final = _PEOPLE.c.id.in_(
    select(_MEMBERS.c.person_id).where(_MEMBERS.c.team_id == bindparam("team_id"))
)
_CANDIDATES: Final = Statement(_AGENTS)
_TEAM_CANDIDATES: Final = Statement(_AGENTS.where(_IN_TEAM))
_TEAM_OF: Final = Statement(
    select(_TEAMS.c.id)
    .where(_TEAMS.c.categories.contains(cast(array([bindparam("category")]), ARRAY(Text))))
    .order_by(_TEAMS.c.name)
    .limit(literal_column("1"))
)
_GIVE: Final = Statement(
    update(_PEOPLE).where(_PEOPLE.c.id == bindparam("agent_id")).values(last_assigned_at=bindparam("now"))
)
_CAN_WORK: Final = Statement(
    select(_PEOPLE.c.active & ~_ABSENT).where(_PEOPLE.c.id == bindparam("person_id"))
)
_ANYONE_WAITING: Final = Statement(
    select(select(_TICKETS.c.id).where(_TICKETS.c.waiting_reason.is_not(None)).exists())
)


def lock(asking: Pipeline) -> None:
    """Waits until no other transaction is giving out tickets; released at the end of this one."""
    asking.ask(_LOCK)


def ask_team(asking: Pipeline, category: str | None) -> Callable[[], UUID | None]:
    """The team that takes tickets of `category`, the first by name if several do."""
    if category is None:
        return lambda: None
    return asking.ask(_TEAM_OF, category=category).scalar


def ask_candidates(asking: Pipeline, team_id: UUID | None, now: datetime) -> Callable[[], list[Candidate]]:
    """The active agents of a team with what they carry now; of the whole desk without a team."""
    if team_id is None:
        answer = asking.ask(_CANDIDATES, now=now)
    else:
        answer = asking.ask(_TEAM_CANDIDATES, now=now, team_id=team_id)
    return lambda: [_candidate(row) for row in answer.rows]


async def candidates(session: Reader | Writer, team_id: UUID | None, now: datetime) -> list[Candidate]:
    """The same for those who ask nothing else."""
    async with pipeline(session) as asking:
        found = ask_candidates(asking, team_id, now)
    return found()


def give(asking: Pipeline, agent_id: UUID, now: datetime) -> None:
    """Remembers when the agent was last given a ticket."""
    asking.ask(_GIVE, agent_id=agent_id, now=now)


def ask_can_work(asking: Pipeline, person_id: UUID | None, now: datetime) -> Callable[[], bool]:
    """Whether a person is active and not away; nobody cannot work."""
    if person_id is None:
        return lambda: False
    answer = asking.ask(_CAN_WORK, person_id=person_id, now=now)
    return lambda: bool(answer.scalar())


def ask_whether_anyone_waits(asking: Pipeline) -> Callable[[], bool]:
    return asking.ask(_ANYONE_WAITING).scalar


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


def _candidate(row: Any) -> Candidate:
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
