"""Entries of a contest: enter, withdraw, and read them; and the standing that they make.

Before the standing is published an entry is seen by whoever made it, by managers, and by its judges in their queue.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.contest.access import act_of, contest_for, record_id, send
from api.contest.forms import NewEntry
from api.dependencies import ArrivedAt, Caller, CurrentDesk, IdempotencyKey
from api.errors import problems
from api.page import Page, PageQuery, page_of
from domain.account import Principal
from domain.authorization import Owned, check, may, not_found
from domain.contest.fields import Status
from domain.contest.moves import Action
from domain.contest.record import Contest, ContestEntry, StandingLine
from domain.errors import Conflict
from storage.contest import read
from storage.database import Reader

router = APIRouter(prefix="/contests/{contest_id}", tags=["contests"])

_PUBLISHED = frozenset({Status.PROVISIONAL, Status.FINAL, Status.AWARDED})


@router.post("/entries", status_code=201, responses=problems(403, 404, 409))
async def enter_contest(
    contest_id: UUID,
    form: NewEntry,
    desk: CurrentDesk,
    caller: Caller,
    key: IdempotencyKey,
    arrived_at: ArrivedAt,
    response: Response,
) -> ContestEntry:
    """Enters the contest. What counts is when the request reached the desk, not when it was answered."""
    async with desk.database.reading() as reader:
        found = await contest_for(reader, caller, contest_id, "contest.enter")
    given = [contest_id, form.model_dump(mode="json")]
    act = act_of(caller, Action.ENTER, key, given, text=form.text, links=form.links, arrived_at=arrived_at)
    act = act.model_copy(update={"record_id": record_id(contest_id, act.request_id)})
    await send(desk, found, act)
    response.headers["Location"] = f"/api/v1/contests/{contest_id}/entries/{act.record_id}"
    async with desk.database.reading() as reader:
        assert act.record_id is not None
        return await read.entry(reader, contest_id, act.record_id)


@router.get("/entries", responses=problems(404))
async def list_entries(
    contest_id: UUID,
    request: Request,
    query: Annotated[PageQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
) -> Page[ContestEntry]:
    """In the order in which they arrived: one's own, all of them for managers, and for everybody once the standing is
    published."""
    after = query.start("arrived_at", datetime, UUID)
    async with desk.database.reading() as reader:
        found = await contest_for(reader, caller, contest_id, "contest.read")
        managing = may(caller, "contest.draft")
        everything = managing or found.status in _PUBLISHED
        rows = await read.entries(
            reader,
            contest_id,
            person_id=None if everything else caller.person_id,
            withdrawn=managing or not everything,
            after=after,
            size=query.size,
        )
    return page_of(request, query, rows, "arrived_at", lambda row: (row.arrived_at, row.id))


@router.get("/entries/{entry_id}", responses=problems(404))
async def read_entry(contest_id: UUID, entry_id: UUID, desk: CurrentDesk, caller: Caller) -> ContestEntry:
    async with desk.database.reading() as reader:
        _, entry = await entry_for(reader, caller, contest_id, entry_id)
    return entry


@router.post("/entries/{entry_id}/withdraw", responses=problems(403, 404, 409))
async def withdraw_entry(
    contest_id: UUID, entry_id: UUID, desk: CurrentDesk, caller: Caller, key: IdempotencyKey
) -> ContestEntry:
    """Takes an entry back, while the contest is active. It counts for the limit of its day all the same."""
    async with desk.database.reading() as reader:
        found, entry = await entry_for(reader, caller, contest_id, entry_id)
    check(caller, "contest.withdraw", Owned(entry.person.id))
    act = act_of(caller, Action.WITHDRAW, key, [contest_id, entry_id], entry_id=entry_id)
    await send(desk, found, act)
    async with desk.database.reading() as reader:
        return await read.entry(reader, contest_id, entry_id)


@router.get("/standings", responses=problems(403, 404, 409))
async def list_standings(
    contest_id: UUID,
    request: Request,
    query: Annotated[PageQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
) -> Page[StandingLine]:
    """The best first. Provisional until appeals are over, then final."""
    after = query.start("place", int)
    async with desk.database.reading() as reader:
        check_published(await contest_for(reader, caller, contest_id, "contest.read"))
        rows = await read.standings(reader, contest_id, after=after, size=query.size)
    return page_of(request, query, rows, "place", lambda row: (row.place,))


async def entry_for(
    reader: Reader, caller: Principal, contest_id: UUID, entry_id: UUID
) -> tuple[Contest, ContestEntry]:
    """The entry, if the caller may see it; raises NotFound."""
    found = await contest_for(reader, caller, contest_id, "contest.read")
    entry = await read.entry(reader, contest_id, entry_id)
    published = found.status in _PUBLISHED and entry.state == "standing"
    if entry.person.id != caller.person_id and not published and not may(caller, "contest.draft"):
        raise not_found()
    return found, entry


def check_published(contest: Contest) -> None:
    if contest.status not in _PUBLISHED:
        raise Conflict("no_standing_yet", f"The contest is {contest.status}; it has no standing yet.")
