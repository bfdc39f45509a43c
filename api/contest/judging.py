"""Judging: what a judge has to do, and the scores they give."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from api.contest.access import act_of, contest_for, not_a_judge, send
from api.contest.forms import NewScore
from api.dependencies import Caller, CurrentDesk, IdempotencyKey
from api.errors import problems
from api.page import Page, PageQuery, page_of
from domain.authorization import check
from domain.contest.fields import AssignmentState
from domain.contest.moves import Action
from domain.contest.record import Assignment
from storage.contest import read

router = APIRouter(prefix="/contests/{contest_id}", tags=["contests"])


class QueueQuery(PageQuery):
    state: AssignmentState | None = None


@router.get("/queue", responses=problems(403, 404))
async def judging_queue(
    contest_id: UUID,
    request: Request,
    query: Annotated[QueueQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
) -> Page[Assignment]:
    """The caller's own part of the judging, without the names of those who entered; what is due first comes first."""
    check(caller, "contest.judge")
    return await _assignments(contest_id, request, query, desk, caller, judge_id=caller.person_id)


@router.get("/scores", responses=problems(403, 404))
async def list_scores(
    contest_id: UUID,
    request: Request,
    query: Annotated[QueueQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
) -> Page[Assignment]:
    """What every judge has to do, or did."""
    check(caller, "contest.draft")
    return await _assignments(contest_id, request, query, desk, caller, judge_id=None)


async def _assignments(
    contest_id: UUID,
    request: Request,
    query: QueueQuery,
    desk: CurrentDesk,
    caller: Caller,
    *,
    judge_id: UUID | None,
) -> Page[Assignment]:
    after = query.start("due_at", datetime, UUID, UUID)
    async with desk.database.reading() as reader:
        await contest_for(reader, caller, contest_id, "contest.read")
        if judge_id is not None and not await read.is_judge(reader, contest_id, judge_id):
            raise not_a_judge()
        rows = await read.assignments(
            reader, contest_id, judge_id=judge_id, state=query.state, after=after, size=query.size
        )
    return page_of(request, query, rows, "due_at", lambda row: (row.due_at, row.entry_id, row.judge.id))


@router.put("/entries/{entry_id}/score", responses=problems(403, 404, 409))
async def score_entry(
    contest_id: UUID,
    entry_id: UUID,
    form: NewScore,
    desk: CurrentDesk,
    caller: Caller,
    key: IdempotencyKey,
) -> Assignment:
    """Scores an entry that the caller was given; until the judging ends it may be scored anew."""
    async with desk.database.reading() as reader:
        found = await contest_for(reader, caller, contest_id, "contest.judge")
        if not await read.is_judge(reader, contest_id, caller.person_id):
            raise not_a_judge()
        await read.entry(reader, contest_id, entry_id)
    given = [contest_id, entry_id, form.model_dump(mode="json")]
    act = act_of(caller, Action.SCORE, key, given, entry_id=entry_id, scores=form.scores, text=form.comment)
    await send(desk, found, act)
    async with desk.database.reading() as reader:
        return await read.assignment(reader, entry_id, caller.person_id)
