"""Reading one feedback item: itself, what was said of it, its history, who follows it, how they were told."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.feedback.access import item_for, shown_to
from api.page import Page, PageQuery, page_of, whole
from api.temporal import LIMIT, ask
from domain import ids
from domain.authorization import check, may
from domain.errors import Invalid
from domain.feedback.record import (
    AssessmentRecord,
    CommentRecord,
    Delivered,
    Feedback,
    FollowerRecord,
    TurnDeliveries,
)
from domain.process import ProcessView
from domain.sla.view import LedgerRecord, Promises, completed, promises
from domain.ticket.record import EventRecord, LinkRecord
from storage.feedback import deliveries, read
from workflows.process import DESCRIBE

router = APIRouter(prefix="/feedback/{feedback_id}", tags=["feedback"])


class FeedbackDetail(Feedback):
    """An item with its four assessments and the tickets that are linked to it, which only the staff sees."""

    assessments: tuple[AssessmentRecord, ...]
    tickets: tuple[LinkRecord, ...]


class DeliveriesQuery(PageQuery):
    """Without `version`, of the newest turn."""

    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None


class Deliveries(BaseModel):
    """How far a turn was told, in figures, and person by person."""

    turn: TurnDeliveries
    told: int
    total: int
    bounced: int
    pending: int
    rows: Page[Delivered]
    turns: tuple[TurnDeliveries, ...]


@router.get("", response_model=FeedbackDetail, responses=problems(404))
async def get_feedback(
    feedback_id: UUID, desk: CurrentDesk, caller: Caller, response: Response
) -> FeedbackDetail:
    async with desk.database.reading() as reader:
        item = await item_for(reader, caller, feedback_id, "feedback.read")
        internal = may(caller, "feedback.internal", read.facts(item))
        state = await read.state(reader, feedback_id) if internal else None
        assessments = [] if state is None else await read.assessments(reader, state)
        tickets = await read.tickets(reader, feedback_id) if internal else []
    response.headers["ETag"] = f'"{item.version}"'
    fields = dict(shown_to(caller, item))
    return FeedbackDetail(**fields, assessments=tuple(assessments), tickets=tuple(tickets))


@router.get("/comments", response_model=Page[CommentRecord], responses=problems(404))
async def list_comments(
    feedback_id: UUID,
    request: Request,
    query: Annotated[PageQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
) -> Page[CommentRecord]:
    """Answers, and for the staff notes, oldest first."""
    after = query.start("at", datetime, UUID)
    async with desk.database.reading() as reader:
        item = await item_for(reader, caller, feedback_id, "feedback.read")
        internal = may(caller, "feedback.internal", read.facts(item))
        rows = await read.comments(reader, feedback_id, internal=internal, after=after, size=query.size)
    return page_of(request, query, rows, "at", lambda row: (row.at.astimezone(UTC), row.id))


@router.get("/events", response_model=Page[EventRecord], responses=problems(404))
async def list_events(
    feedback_id: UUID,
    request: Request,
    query: Annotated[PageQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
) -> Page[EventRecord]:
    """The history, oldest first. Append-only: who, when, what, from, to, and the cause."""
    after = query.start("number", int, int)
    async with desk.database.reading() as reader:
        item = await item_for(reader, caller, feedback_id, "feedback.read")
        internal = may(caller, "feedback.internal", read.facts(item))
        rows = await read.events(reader, feedback_id, internal=internal, after=after, size=query.size)
    return page_of(request, query, rows, "number", lambda row: (row.number, row.position))


@router.get("/followers", response_model=Page[FollowerRecord], responses=problems(403, 404))
async def list_followers(
    feedback_id: UUID,
    request: Request,
    query: Annotated[PageQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
) -> Page[FollowerRecord]:
    """Who is told of every turn, and why."""
    after = query.start("at", datetime, UUID)
    async with desk.database.reading() as reader:
        await item_for(reader, caller, feedback_id, "feedback.internal")
        rows = await read.followers(reader, feedback_id, after=after, size=query.size)
    return page_of(request, query, rows, "at", lambda row: (row.at.astimezone(UTC), row.person.id))


@router.get("/deliveries", response_model=Deliveries, responses=problems(403, 404))
async def get_deliveries(
    feedback_id: UUID,
    request: Request,
    query: Annotated[DeliveriesQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
) -> Deliveries:
    """Who was told of a turn and how: "41 of 41 told, 1 bounced". All turns are listed beside it."""
    after = query.start("recipient", UUID)
    async with desk.database.reading() as reader:
        await item_for(reader, caller, feedback_id, "feedback.internal")
        turns = await deliveries.turns(reader, feedback_id)
        turn = next((one for one in turns if query.version in (None, one.version)), None)
        if turn is None:
            raise Invalid("no_such_turn", "Nobody was told of this version.", field="version")
        rows = await deliveries.people(reader, feedback_id, turn.version, after=after, size=query.size)
    page = page_of(request, query, rows, "recipient", lambda row: (row.person.id,))
    figures = {name: getattr(turn, name) for name in ("told", "total", "bounced", "pending")}
    return Deliveries(turn=turn, rows=page, turns=tuple(turns), **figures)


@router.get("/sla", response_model=Promises, responses=problems(403, 404))
async def get_promises(feedback_id: UUID, desk: CurrentDesk, caller: Caller) -> Promises:
    """How each clock of the item stands."""
    async with desk.database.reading() as reader:
        await item_for(reader, caller, feedback_id, "feedback.internal")
        state = await read.state(reader, feedback_id)
        entries = await read.ledger(reader, feedback_id)
    assert state is not None
    return promises(state.policy, state.clocks.values(), completed(entries), datetime.now(UTC))


@router.get("/sla/ledger", response_model=Page[LedgerRecord], responses=problems(403, 404))
async def get_ledger(feedback_id: UUID, desk: CurrentDesk, caller: Caller) -> Page[LedgerRecord]:
    """Every row of the ledger of promises, in the order in which the process wrote them."""
    async with desk.database.reading() as reader:
        await item_for(reader, caller, feedback_id, "feedback.internal")
        entries = await read.ledger(reader, feedback_id)
    return whole([LedgerRecord.model_validate(entry) for entry in entries])


@router.get("/process", response_model=ProcessView, responses=problems(403, 404, 409))
async def get_process(feedback_id: UUID, desk: CurrentDesk, caller: Caller) -> ProcessView:
    """Asks the running workflow itself: its state, and every timer with its due time."""
    check(caller, "process.read")
    async with desk.database.reading() as reader:
        await item_for(reader, caller, feedback_id, "feedback.read")
    handle = desk.temporal.get_workflow_handle(ids.workflow_id("feedback", feedback_id))
    return await ask(handle.query(DESCRIBE, result_type=ProcessView, rpc_timeout=LIMIT))
