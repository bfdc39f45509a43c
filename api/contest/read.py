"""Contests: list them, make a draft, read one, its history, and the process behind it."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response
from temporalio.client import WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from api import temporal
from api.contest.access import contest_for
from api.contest.forms import NewContest
from api.dependencies import Caller, CurrentDesk, IdempotencyKey
from api.desk import Desk
from api.errors import problems
from api.forms import as_request
from api.page import Page, PageQuery, page_of, whole
from api.temporal import LIMIT, ask
from api.ticket.create import fingerprint
from domain import ids
from domain.authorization import check, may
from domain.contest.fields import Status, check_timetable
from domain.contest.messages import ContestInput, CreateContest
from domain.contest.record import Contest, Judge
from domain.errors import Invalid
from domain.process import ProcessView
from domain.queues import PROCESS
from domain.repetition import key_reused
from domain.ticket.record import EventRecord
from storage.contest import read
from workflows.contest import CREATED, ContestWorkflow
from workflows.process import DESCRIBE

router = APIRouter(prefix="/contests", tags=["contests"])

_ORDER = "-opens_at"


class ContestQuery(PageQuery):
    status: Status | None = None


@router.get("")
async def list_contests(
    query: Annotated[ContestQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Contest]:
    """The latest to open first. Drafts are for managers."""
    check(caller, "contest.read")
    after = query.start(_ORDER, datetime, UUID)
    drafts = may(caller, "contest.draft")
    async with desk.database.reading() as reader:
        found = await read.contests(reader, status=query.status, drafts=drafts, after=after, size=query.size)
    return page_of(request, query, found, _ORDER, lambda one: (one.rules.opens_at, one.id))


@router.post("", status_code=201, responses=problems(403, 409))
async def create_contest(
    form: NewContest, caller: Caller, desk: CurrentDesk, key: IdempotencyKey, response: Response
) -> Contest:
    """Makes a draft, which nobody but managers sees until it is scheduled."""
    check(caller, "contest.write")
    with as_request():
        rules = form.rules()
    contest_id = uuid4() if key is None else ids.ticket_id(f"contest:{caller.person_id}", key)
    command = CreateContest(
        contest_id=contest_id,
        fingerprint=fingerprint(form.model_dump(mode="json")),
        name=form.name,
        description=form.description,
        rules=rules,
        judges=form.judges,
        created_by=caller.person_id,
    )
    if key is not None and await _is_made(desk, command):
        response.headers["Idempotent-Replayed"] = "true"
    else:
        check_timetable(rules, datetime.now(UTC))
        await check_people(desk, form.judges, "judges")
        await _begin(desk, command)
    response.headers["Location"] = f"/api/v1/contests/{contest_id}"
    async with desk.database.reading() as reader:
        return await read.contest(reader, contest_id)


async def check_people(desk: Desk, people: list[UUID], field: str) -> None:
    """Raises Invalid unless all of them are there and active."""
    async with desk.database.reading() as reader:
        known = await read.active_people(reader, people)
    if missing := [one for one in people if one not in known]:
        raise Invalid("unknown_person", f"There is no active person {missing[0]}.", field=field)


async def _is_made(desk: Desk, command: CreateContest) -> bool:
    """Whether the same request was carried out before. Raises Conflict for another body under its key."""
    async with desk.database.reading() as reader:
        state = await read.state(reader, command.contest_id)
    if state is not None and state.fingerprint != command.fingerprint:
        raise key_reused()
    return state is not None


async def _begin(desk: Desk, command: CreateContest) -> None:
    """Starts the contest's process, or finds the one that runs under this key, and waits for the commit."""
    operation = WithStartWorkflowOperation(
        ContestWorkflow.run,
        ContestInput(contest_id=command.contest_id, create=command),
        id=ids.workflow_id("contest", command.contest_id),
        task_queue=PROCESS,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
    )
    await temporal.begin(desk.temporal, operation, CREATED, command.fingerprint)


@router.get("/{contest_id}", responses=problems(404))
async def read_contest(contest_id: UUID, caller: Caller, desk: CurrentDesk, response: Response) -> Contest:
    async with desk.database.reading() as reader:
        found = await contest_for(reader, caller, contest_id, "contest.read")
    response.headers["ETag"] = f'"{found.version}"'
    return found


@router.get("/{contest_id}/judges", responses=problems(403, 404))
async def list_judges(contest_id: UUID, caller: Caller, desk: CurrentDesk) -> Page[Judge]:
    """Who judges, and how much of it is done."""
    async with desk.database.reading() as reader:
        await contest_for(reader, caller, contest_id, "contest.draft")
        return whole(await read.judges(reader, contest_id))


@router.get("/{contest_id}/events", responses=problems(403, 404))
async def list_contest_events(
    contest_id: UUID,
    request: Request,
    query: Annotated[PageQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
) -> Page[EventRecord]:
    """The history, oldest first. Append-only."""
    after = query.start("number", int, int)
    async with desk.database.reading() as reader:
        await contest_for(reader, caller, contest_id, "contest.draft")
        rows = await read.events(reader, contest_id, after=after, size=query.size)
    return page_of(request, query, rows, "number", lambda row: (row.number, row.position))


@router.get("/{contest_id}/process", responses=problems(403, 404, 409))
async def get_contest_process(contest_id: UUID, desk: CurrentDesk, caller: Caller) -> ProcessView:
    """Asks the running workflow itself: its state, and every timer with its due time."""
    check(caller, "process.read")
    async with desk.database.reading() as reader:
        await contest_for(reader, caller, contest_id, "contest.draft")
    handle = desk.temporal.get_workflow_handle(ids.workflow_id("contest", contest_id))
    return await ask(handle.query(DESCRIBE, result_type=ProcessView, rpc_timeout=LIMIT))
