"""Reads of contests: lists, one contest, and what belongs to it. Who may see what is decided in `api/contest`."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select

from domain.account import Ref
from domain.authorization import not_found
from domain.contest.fields import AppealState, AssignmentState, Status
from domain.contest.record import Appeal, Assignment, Contest, ContestEntry, Judge, StandingLine
from domain.contest.state import ContestState
from domain.ticket.record import EventRecord
from storage.contest.entries import STANDING
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.tables.account import PersonRow
from storage.tables.contest import (
    ContestAppealRow,
    ContestAssignmentRow,
    ContestEntryRow,
    ContestEventRow,
    ContestJudgeRow,
    ContestPrizeRow,
    ContestProcessRow,
    ContestRow,
)

NEWEST_FIRST: Final = Order((ContestRow.opens_at, ContestRow.id), descending=True)
BY_ARRIVAL: Final = Order((ContestEntryRow.arrived_at, ContestEntryRow.id))
BY_PLACE: Final = Order((ContestEntryRow.place,))
BY_DEADLINE: Final = Order(
    (ContestAssignmentRow.due_at, ContestAssignmentRow.entry_id, ContestAssignmentRow.judge_id)
)
APPEALS_BY_TIME: Final = Order((ContestAppealRow.at, ContestAppealRow.id))
EVENTS_IN_ORDER: Final = Order((ContestEventRow.version, ContestEventRow.position))


async def contests(
    reader: Reader, *, status: Status | None, drafts: bool, after: Sequence[Any] | None, size: int
) -> list[Contest]:
    """The latest to open first; drafts only for those who may see them."""
    statement: Select[Any] = select(ContestRow)
    if status is not None:
        statement = statement.where(ContestRow.status == status)
    if not drafts:
        statement = statement.where(ContestRow.status != Status.DRAFT)
    return [_contest(row) for row in await reader.scalars(page(statement, NEWEST_FIRST, after, size))]


async def contest(reader: Reader | Writer, contest_id: UUID) -> Contest:
    """Raises NotFound."""
    row = await reader.scalar(select(ContestRow).where(ContestRow.id == contest_id))
    if row is None:
        raise not_found()
    return _contest(row)


def _contest(row: ContestRow) -> Contest:
    return Contest.model_validate(row)


async def state(reader: Reader, contest_id: UUID) -> ContestState | None:
    """What the process knew when it committed last."""
    known = select(ContestProcessRow.state).where(ContestProcessRow.contest_id == contest_id)
    found = await reader.scalar(known)
    return None if found is None else ContestState.model_validate(found)


async def is_judge(reader: Reader, contest_id: UUID, person_id: UUID) -> bool:
    """Whether somebody judges, or did."""
    this = (ContestJudgeRow.contest_id == contest_id, ContestJudgeRow.person_id == person_id)
    return await reader.scalar(select(ContestJudgeRow.person_id).where(*this)) is not None


async def judges(reader: Reader, contest_id: UUID) -> list[Judge]:
    of_judge = ContestAssignmentRow.judge_id == ContestJudgeRow.person_id
    of_contest = ContestAssignmentRow.contest_id == contest_id

    def count(state: AssignmentState) -> Any:
        counted = select(func.count()).where(of_contest, of_judge, ContestAssignmentRow.state == state)
        return counted.correlate(ContestJudgeRow).scalar_subquery()

    statement = (
        select(
            ContestJudgeRow.person_id,
            ContestJudgeRow.active,
            PersonRow.name,
            count(AssignmentState.PENDING).label("pending"),
            count(AssignmentState.SCORED).label("scored"),
        )
        .join(PersonRow, PersonRow.id == ContestJudgeRow.person_id)
        .where(ContestJudgeRow.contest_id == contest_id)
        .order_by(PersonRow.name, PersonRow.id)
    )
    return [
        Judge(
            person=Ref(id=row.person_id, name=row.name),
            active=row.active,
            pending=row.pending,
            scored=row.scored,
        )
        for row in await reader.execute(statement)
    ]


async def entries(
    reader: Reader,
    contest_id: UUID,
    *,
    person_id: UUID | None,
    withdrawn: bool,
    after: Sequence[Any] | None,
    size: int,
) -> list[ContestEntry]:
    """In the order in which they arrived; only those of one person, if they are named."""
    statement = _entries().where(ContestEntryRow.contest_id == contest_id)
    if person_id is not None:
        statement = statement.where(ContestEntryRow.person_id == person_id)
    if not withdrawn:
        statement = statement.where(ContestEntryRow.state == STANDING)
    return [_entry(row) for row in await reader.execute(page(statement, BY_ARRIVAL, after, size))]


async def entry(reader: Reader, contest_id: UUID, entry_id: UUID) -> ContestEntry:
    """Raises NotFound."""
    this = (ContestEntryRow.contest_id == contest_id, ContestEntryRow.id == entry_id)
    row = (await reader.execute(_entries().where(*this))).one_or_none()
    if row is None:
        raise not_found()
    return _entry(row)


def _entries() -> Select[Any]:
    return select(*ContestEntryRow.__table__.columns, PersonRow.name.label("person_name")).join(
        PersonRow, PersonRow.id == ContestEntryRow.person_id
    )


def _entry(row: Any) -> ContestEntry:
    person = Ref(id=row.person_id, name=row.person_name)
    fields = {name: getattr(row, name) for name in ("id", "contest_id", "state", "text", "arrived_at")}
    return ContestEntry(**fields, person=person, links=tuple(row.links))


async def assignments(
    reader: Reader,
    contest_id: UUID,
    *,
    judge_id: UUID | None,
    state: AssignmentState | None,
    after: Sequence[Any] | None,
    size: int,
) -> list[Assignment]:
    """What is due first comes first; only those of one judge, if they are named."""
    statement = _assignments().where(ContestAssignmentRow.contest_id == contest_id)
    if judge_id is not None:
        statement = statement.where(ContestAssignmentRow.judge_id == judge_id)
    if state is not None:
        statement = statement.where(ContestAssignmentRow.state == state)
    return [_assignment(row) for row in await reader.execute(page(statement, BY_DEADLINE, after, size))]


async def assignment(reader: Reader, entry_id: UUID, judge_id: UUID) -> Assignment:
    """Raises NotFound."""
    this = (ContestAssignmentRow.entry_id == entry_id, ContestAssignmentRow.judge_id == judge_id)
    row = (await reader.execute(_assignments().where(*this))).one_or_none()
    if row is None:
        raise not_found()
    return _assignment(row)


def _assignments() -> Select[Any]:
    row = ContestAssignmentRow
    return (
        select(*row.__table__.columns, PersonRow.name, ContestEntryRow.text, ContestEntryRow.links)
        .join(PersonRow, PersonRow.id == row.judge_id)
        .join(ContestEntryRow, ContestEntryRow.id == row.entry_id)
    )


def _assignment(row: Any) -> Assignment:
    fields = {
        name: getattr(row, name)
        for name in ("entry_id", "state", "due_at", "scores", "comment", "scored_at", "text")
    }
    return Assignment(**fields, judge=Ref(id=row.judge_id, name=row.name), links=tuple(row.links))


async def standings(
    reader: Reader, contest_id: UUID, *, after: Sequence[Any] | None, size: int
) -> list[StandingLine]:
    row, prize = ContestEntryRow, ContestPrizeRow
    statement = (
        select(*row.__table__.columns, PersonRow.name, prize.name.label("prize"))
        .join(PersonRow, PersonRow.id == row.person_id)
        .outerjoin(prize, (prize.entry_id == row.id) & (prize.contest_id == row.contest_id))
        .where(row.contest_id == contest_id, row.place.is_not(None))
    )
    return [
        StandingLine(
            place=one.place,
            rank=one.rank,
            entry_id=one.id,
            person=Ref(id=one.person_id, name=one.name),
            total=one.total,
            means=one.means,
            adjustment=one.adjustment,
            prize=one.prize,
        )
        for one in await reader.execute(page(statement, BY_PLACE, after, size))
    ]


async def appeals(
    reader: Reader,
    contest_id: UUID,
    *,
    person_id: UUID | None,
    state: AppealState | None,
    after: Sequence[Any] | None,
    size: int,
) -> list[Appeal]:
    statement = _appeals().where(ContestAppealRow.contest_id == contest_id)
    if person_id is not None:
        statement = statement.where(ContestAppealRow.person_id == person_id)
    if state is not None:
        statement = statement.where(ContestAppealRow.state == state)
    return [_appeal(row) for row in await reader.execute(page(statement, APPEALS_BY_TIME, after, size))]


async def appeal(reader: Reader, contest_id: UUID, appeal_id: UUID) -> Appeal:
    """Raises NotFound."""
    this = (ContestAppealRow.contest_id == contest_id, ContestAppealRow.id == appeal_id)
    row = (await reader.execute(_appeals().where(*this))).one_or_none()
    if row is None:
        raise not_found()
    return _appeal(row)


def _appeals() -> Select[Any]:
    return select(*ContestAppealRow.__table__.columns, PersonRow.name.label("person_name")).join(
        PersonRow, PersonRow.id == ContestAppealRow.person_id
    )


def _appeal(row: Any) -> Appeal:
    fields = {name: getattr(row, name) for name in Appeal.model_fields if name != "person"}
    return Appeal(**fields, person=Ref(id=row.person_id, name=row.person_name))


async def events(
    reader: Reader, contest_id: UUID, *, after: Sequence[Any] | None, size: int
) -> list[EventRecord]:
    """The history, oldest first."""
    row = ContestEventRow
    statement = (
        select(*row.__table__.columns, PersonRow.name)
        .outerjoin(PersonRow, PersonRow.id == row.actor_id)
        .where(row.contest_id == contest_id)
    )
    return [
        EventRecord(
            number=one.version,
            position=one.position,
            type=one.type,
            at=one.at,
            actor=None if one.actor_id is None else Ref(id=one.actor_id, name=one.name or ""),
            cause=one.cause,
            data=one.data,
        )
        for one in await reader.execute(page(statement, EVENTS_IN_ORDER, after, size))
    ]


async def active_people(reader: Reader, people: Sequence[UUID]) -> frozenset[UUID]:
    """Which of these there are, and are active."""
    statement = select(PersonRow.id).where(PersonRow.id.in_(people), PersonRow.active)
    return frozenset(await reader.scalars(statement))
