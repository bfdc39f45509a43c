"""Tasks that low scores ask for: who has to call whom back, until when, and that it is done."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.forms import Form, absent
from api.page import Page, PageQuery, page_of, whole
from api.ticket.access import ticket_for
from domain.authorization import check, ticket_visibility
from domain.survey.invitation import Task, TaskState
from domain.text import Body
from storage.survey import task

router = APIRouter()

_ORDER = "due_at"
_OF_TICKET = 100


class TasksQuery(PageQuery):
    """`assignee=me` are one's own."""

    state: TaskState | None = None
    assignee: UUID | Literal["me"] | None = None


class DoneForm(Form):
    """`note` says what came of it."""

    note: Body = Field(default_factory=absent)


@router.get("/surveys/tasks", responses=problems(403))
async def list_tasks(
    query: Annotated[TasksQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Task]:
    """Those of the tickets that the caller works on, the earliest due first."""
    check(caller, "task.list")
    assignee = caller.person_id if query.assignee == "me" else query.assignee
    after = query.start(_ORDER, datetime, UUID)
    async with desk.database.reading() as reader:
        found = await task.tasks(
            reader,
            ticket_visibility(caller),
            datetime.now(UTC),
            state=query.state,
            assignee=assignee,
            after=after,
            size=query.size,
        )
    return page_of(request, query, found, _ORDER, lambda one: (one.due_at, one.id))


@router.get("/tickets/{ticket_id}/tasks", responses=problems(403, 404))
async def list_tasks_of_ticket(ticket_id: UUID, caller: Caller, desk: CurrentDesk) -> Page[Task]:
    """What low scores of this ticket asked for, one for each cycle at most."""
    async with desk.database.reading() as reader:
        await ticket_for(reader, caller, ticket_id, "task.read")
        visible, now = ticket_visibility(caller), datetime.now(UTC)
        return whole(await task.tasks(reader, visible, now, ticket=ticket_id, size=_OF_TICKET))


@router.post("/surveys/tasks/{task_id}/done", responses=problems(403, 404, 409))
async def finish_task(task_id: UUID, form: DoneForm, caller: Caller, desk: CurrentDesk) -> Task:
    """Somebody called back. Whoever works on the ticket may say so."""
    now = datetime.now(UTC)
    async with desk.database.writing() as writer:
        found = await task.task(writer, task_id, now)
        await ticket_for(writer, caller, found.ticket.id, "task.write")
        await task.finish(writer, task_id, caller.person_id, form.note, now)
        return await task.task(writer, task_id, now)
