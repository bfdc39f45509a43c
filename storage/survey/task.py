"""Tasks: a low score asks somebody to call the customer back, by a time; they say when it is done.

The lead of the ticket's team has it, or the ticket's assignee if there is no lead; without either it is everybody's who
works on the ticket, and the managers are told. Whoever is late is told of, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import DateTime, Select, Uuid, and_, bindparam, case, func, insert, select, text, update
from sqlalchemy.orm import aliased

from domain.account import Ref
from domain.authorization import Visibility, not_found
from domain.calendar import ALWAYS, Calendar, add_working
from domain.errors import Conflict
from domain.notification.kind import Audience, Kind
from domain.notification.notice import NewNotification, Notice, plan
from domain.survey.definition import Contents
from domain.survey.invitation import Task, TaskState
from domain.survey.messages import PAGE
from storage import notification
from storage.account.people import managers
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.pipeline import Statement, pipeline
from storage.survey.invite import ask_wake
from storage.tables.account import PersonRow, TeamRow
from storage.tables.survey import SurveyAnswerRow, SurveyTaskRow
from storage.tables.ticket import TicketProcessRow, TicketRow
from storage.ticket.condition import read_by_staff

EARLIEST_FIRST: Final = Order((SurveyTaskRow.due_at, SurveyTaskRow.id))

_TASKS: Final = UUID("7d5e3c0a-9b1f-5d7e-8e21-4c0b6f9a2d03")
_OVERDUE: Final = Statement(
    text("""
    SELECT task.id, task.ticket_id, task.assignee_id, task.due_at, ticket.team_id, ticket.number, ticket.subject,
        ticket.priority, answer.score
    FROM survey_tasks AS task
    JOIN tickets AS ticket ON ticket.id = task.ticket_id
    JOIN survey_answers AS answer ON answer.invitation_id = task.invitation_id
    WHERE task.survey_id = :id AND task.next_at <= :now
    ORDER BY task.next_at, task.id LIMIT :most
    FOR UPDATE OF task
""").bindparams(bindparam("id", type_=Uuid()), bindparam("now", type_=DateTime(timezone=True)))
)


@dataclass(frozen=True, slots=True)
class Overdue:
    count: int
    more: bool
    notifications: Sequence[NewNotification]


@dataclass(frozen=True, slots=True)
class LowScore:
    """An answer that asks for a task."""

    survey_id: UUID
    invitation_id: UUID
    ticket_id: UUID
    score: int
    comment: str | None
    actor: str


async def create(writer: Writer, low: LowScore, contents: Contents, now: datetime, *, mail: bool) -> None:
    """Makes the task and tells who has it; the process is woken when it is due before anything else."""
    ticket = (await writer.execute(_owner(low.ticket_id))).one()
    calendar = ALWAYS if ticket.calendar is None else Calendar.model_validate(ticket.calendar)
    due_at = add_working(calendar, now, contents.task_within)
    task_id = uuid5(_TASKS, str(low.invitation_id))
    values = {
        "survey_id": low.survey_id,
        "invitation_id": low.invitation_id,
        "ticket_id": low.ticket_id,
        "assignee_id": ticket.owner_id,
        "state": TaskState.OPEN,
        "created_at": now,
        "due_at": due_at,
        "next_at": due_at,
    }
    await writer.execute(insert(SurveyTaskRow).values(id=task_id, **values))
    told = [ticket.owner_id] if ticket.owner_id else await managers(writer)
    notice = Notice(kind=Kind.SURVEY_TASK, audience=[Audience.NAMED])
    facts = _facts(low.ticket_id, ticket, low.score, due_at) | {"actor": low.actor, "excerpt": low.comment}
    people = await notification.recipients(writer, told)
    rows = plan(notice, f"survey-task:{task_id}", facts, people, now)
    await notification.add(writer, rows, smtp_configured=mail)
    async with pipeline(writer) as asking:
        ask_wake(asking, low.survey_id, due_at)


async def take_overdue(writer: Writer, survey_id: UUID, now: datetime) -> Overdue:
    """Tells of tasks that are late: who has each, the lead, and the managers. Each once."""
    async with pipeline(writer) as asking:
        found = asking.ask(_OVERDUE, id=survey_id, now=now, most=PAGE + 1)
    rows = found.rows[:PAGE]
    told: list[NewNotification] = []
    for row in rows:
        people = await notification.recipients(writer, await _watchers(writer, row))
        notice = Notice(kind=Kind.SURVEY_TASK_OVERDUE, audience=[Audience.NAMED])
        facts = _facts(row.ticket_id, row, row.score, row.due_at)
        told += plan(notice, f"survey-task:{row.id}:overdue", facts, people, now)
    if rows:
        done = update(SurveyTaskRow).where(SurveyTaskRow.id.in_([row.id for row in rows]))
        await writer.execute(done.values(next_at=None))
    return Overdue(count=len(rows), more=len(found.rows) > PAGE, notifications=told)


async def tasks(
    reader: Reader,
    visible: Visibility,
    now: datetime,
    *,
    state: TaskState | None = None,
    assignee: UUID | None = None,
    ticket: UUID | None = None,
    after: Sequence[Any] | None = None,
    size: int,
) -> list[Task]:
    """Those of tickets that the caller works on, the earliest due first."""
    given = {
        SurveyTaskRow.state: state,
        SurveyTaskRow.assignee_id: assignee,
        SurveyTaskRow.ticket_id: ticket,
    }
    statement = _tasks(now).where(read_by_staff(visible))
    statement = statement.where(*(column == value for column, value in given.items() if value is not None))
    rows = await reader.execute(page(statement, EARLIEST_FIRST, after, size))
    return [_task(row) for row in rows]


async def task(session: Reader | Writer, task_id: UUID, now: datetime) -> Task:
    """Raises NotFound."""
    row = (await session.execute(_tasks(now).where(SurveyTaskRow.id == task_id))).one_or_none()
    if row is None:
        raise not_found()
    return _task(row)


async def finish(writer: Writer, task_id: UUID, by: UUID, note: str | None, now: datetime) -> None:
    """Done, once; raises Conflict `task_done` for what was done before."""
    of = (SurveyTaskRow.id == task_id, SurveyTaskRow.state == TaskState.OPEN)
    values = {"state": TaskState.DONE, "done_at": now, "done_by": by, "note": note, "next_at": None}
    done = update(SurveyTaskRow).where(*of).values(values).returning(SurveyTaskRow.id)
    if await writer.scalar(done) is None:
        raise Conflict("task_done", "This task was done before.")


def _owner(ticket_id: UUID) -> Select[Any]:
    """The ticket, who gets its task, and the calendar of its promises."""
    lead, assignee = aliased(PersonRow), aliased(PersonRow)
    return (
        select(
            TicketRow.number,
            TicketRow.subject,
            TicketRow.priority,
            func.coalesce(lead.id, assignee.id).label("owner_id"),
            TicketProcessRow.policy["calendar"].label("calendar"),
        )
        .outerjoin(TeamRow, TeamRow.id == TicketRow.team_id)
        .outerjoin(lead, and_(lead.id == TeamRow.lead_id, lead.active))
        .outerjoin(assignee, and_(assignee.id == TicketRow.assignee_id, assignee.active))
        .outerjoin(TicketProcessRow, TicketProcessRow.ticket_id == TicketRow.id)
        .where(TicketRow.id == ticket_id)
    )


def _facts(ticket_id: UUID, ticket: Any, score: int, due_at: datetime) -> dict[str, Any]:
    return {
        "ticket_id": str(ticket_id),
        "number": ticket.number,
        "subject": ticket.subject,
        "priority": ticket.priority,
        "score": score,
        "due_at": due_at.isoformat(),
    }


async def _watchers(writer: Writer, row: Any) -> list[UUID]:
    lead = (
        await writer.scalar(select(TeamRow.lead_id).where(TeamRow.id == row.team_id)) if row.team_id else None
    )
    found = [one for one in (row.assignee_id, lead) if one is not None]
    return list(dict.fromkeys([*found, *await managers(writer)]))


def _tasks(now: datetime) -> Select[Any]:
    requester, assignee, done = aliased(PersonRow), aliased(PersonRow), aliased(PersonRow)
    late = and_(SurveyTaskRow.state == TaskState.OPEN, SurveyTaskRow.due_at <= now)
    statement: Any = (
        select(
            SurveyTaskRow,
            TicketRow.number,
            TicketRow.subject,
            TicketRow.requester_id,
            requester.name.label("requester_name"),
            TicketRow.team_id,
            TeamRow.name.label("team_name"),
            assignee.name.label("assignee_name"),
            done.name.label("done_name"),
            SurveyAnswerRow.score,
            SurveyAnswerRow.comment,
            case((late, True), else_=False).label("overdue"),
        )
        .join(TicketRow, TicketRow.id == SurveyTaskRow.ticket_id)
        .join(requester, requester.id == TicketRow.requester_id)
        .join(SurveyAnswerRow, SurveyAnswerRow.invitation_id == SurveyTaskRow.invitation_id)
        .outerjoin(TeamRow, TeamRow.id == TicketRow.team_id)
        .outerjoin(assignee, assignee.id == SurveyTaskRow.assignee_id)
        .outerjoin(done, done.id == SurveyTaskRow.done_by)
    )
    found: Select[Any] = statement
    return found


def _task(row: Any) -> Task:
    kept: SurveyTaskRow = row.SurveyTaskRow
    return Task(
        id=kept.id,
        ticket=Ref(id=kept.ticket_id, name=row.subject),
        number=row.number,
        requester=Ref(id=row.requester_id, name=row.requester_name),
        team=Ref.of(row.team_id, row.team_name),
        assignee=Ref.of(kept.assignee_id, row.assignee_name),
        state=TaskState(kept.state),
        score=row.score,
        comment=row.comment,
        created_at=kept.created_at,
        due_at=kept.due_at,
        overdue=row.overdue,
        done_at=kept.done_at,
        done_by=Ref.of(kept.done_by, row.done_name),
        note=kept.note,
    )
