"""Appeals against a provisional standing: made by whoever entered, decided by a manager."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.contest.access import act_of, contest_for, record_id, send
from api.contest.entries import entry_for
from api.contest.forms import Decide, NewAppeal
from api.dependencies import Caller, CurrentDesk, IdempotencyKey
from api.errors import problems
from api.page import Page, PageQuery, page_of
from domain.authorization import Owned, check, may, not_found
from domain.contest.fields import AppealState
from domain.contest.moves import Action
from domain.contest.record import Appeal
from storage.contest import read

router = APIRouter(prefix="/contests/{contest_id}", tags=["contests"])


class AppealQuery(PageQuery):
    state: AppealState | None = None


@router.post("/entries/{entry_id}/appeals", status_code=201, responses=problems(403, 404, 409))
async def appeal_standing(
    contest_id: UUID,
    entry_id: UUID,
    form: NewAppeal,
    desk: CurrentDesk,
    caller: Caller,
    key: IdempotencyKey,
    response: Response,
) -> Appeal:
    """Says what is wrong with the standing of one's own entry."""
    async with desk.database.reading() as reader:
        found, entry = await entry_for(reader, caller, contest_id, entry_id)
    check(caller, "contest.appeal", Owned(entry.person.id))
    given = [contest_id, entry_id, form.model_dump(mode="json")]
    act = act_of(caller, Action.APPEAL, key, given, entry_id=entry_id, text=form.reason)
    made = record_id(contest_id, act.request_id)
    await send(desk, found, act.model_copy(update={"record_id": made}))
    response.headers["Location"] = f"/api/v1/contests/{contest_id}/appeals/{made}"
    async with desk.database.reading() as reader:
        return await read.appeal(reader, contest_id, made)


@router.get("/appeals", responses=problems(404))
async def list_appeals(
    contest_id: UUID,
    request: Request,
    query: Annotated[AppealQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
) -> Page[Appeal]:
    """One's own; all of them for managers."""
    after = query.start("at", datetime, UUID)
    async with desk.database.reading() as reader:
        await contest_for(reader, caller, contest_id, "contest.read")
        person_id = None if may(caller, "contest.draft") else caller.person_id
        rows = await read.appeals(
            reader, contest_id, person_id=person_id, state=query.state, after=after, size=query.size
        )
    return page_of(request, query, rows, "at", lambda row: (row.at, row.id))


@router.get("/appeals/{appeal_id}", responses=problems(404))
async def read_appeal(contest_id: UUID, appeal_id: UUID, desk: CurrentDesk, caller: Caller) -> Appeal:
    async with desk.database.reading() as reader:
        await contest_for(reader, caller, contest_id, "contest.read")
        found = await read.appeal(reader, contest_id, appeal_id)
    if found.person.id != caller.person_id and not may(caller, "contest.draft"):
        raise not_found()
    return found


@router.post("/appeals/{appeal_id}/decide", responses=problems(403, 404, 409))
async def decide_appeal(
    contest_id: UUID,
    appeal_id: UUID,
    form: Decide,
    desk: CurrentDesk,
    caller: Caller,
    key: IdempotencyKey,
) -> Appeal:
    """Upholds an appeal or rejects it; an adjustment changes the standing."""
    async with desk.database.reading() as reader:
        found = await contest_for(reader, caller, contest_id, "contest.write")
        await read.appeal(reader, contest_id, appeal_id)
    given = [contest_id, appeal_id, form.model_dump(mode="json")]
    fields = {"text": form.answer, "upheld": form.upheld, "adjustment": form.adjustment}
    await send(desk, found, act_of(caller, Action.DECIDE, key, given, record_id=appeal_id, **fields))
    async with desk.database.reading() as reader:
        return await read.appeal(reader, contest_id, appeal_id)
