"""Members and leaderboards as they are read, from the database alone."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.forms import Form
from api.page import PAGE_SIZE_MAX, Page, PageQuery, page_of
from domain.account import Principal
from domain.achievement.record import Award
from domain.authorization import Owned, check, may, not_found
from domain.member.ledger import Entry
from domain.member.record import Member, Standing, Window
from storage.achievement.read import awards
from storage.member import read as members

router = APIRouter()

BOARD_SIZE = 50


class MemberChanges(Form):
    """Who is not `listed` is on no leaderboard and shown to nobody but themselves and managers."""

    listed: bool


class BoardQuery(PageQuery):
    """Days, weeks from Monday and months, all of UTC, that are now. `limit` is another name of `page[size]`."""

    window: Window = Window.ALL
    size: int = Field(BOARD_SIZE, ge=1, le=PAGE_SIZE_MAX, alias="page[size]")
    limit: Annotated[int, Field(ge=1, le=PAGE_SIZE_MAX)] | None = None


@router.get("/members/{member_id}", responses=problems(404))
@router.get("/members/{member_id}/reputation", responses=problems(404))
async def read_member(member_id: UUID, caller: Caller, desk: CurrentDesk) -> Member:
    """Points, level, what the next one needs, and the rank among all."""
    check(caller, "member.read")
    async with desk.database.reading() as reader:
        found = await members.member(reader, member_id)
    check_shown(caller, member_id, listed=found.listed)
    return found


@router.patch("/members/{member_id}", responses=problems(403, 404))
async def change_member(member_id: UUID, form: MemberChanges, caller: Caller, desk: CurrentDesk) -> Member:
    """Everybody chooses for themselves whether leaderboards show them."""
    async with desk.database.writing() as writer:
        check_shown(caller, member_id, listed=await members.is_listed(writer, member_id))
        check(caller, "member.list", Owned(member_id))
        await members.list_member(writer, member_id, listed=form.listed)
        return await members.member(writer, member_id)


@router.get("/members/{member_id}/points", responses=problems(403, 404))
async def list_points(
    member_id: UUID,
    query: Annotated[PageQuery, Query()],
    caller: Caller,
    desk: CurrentDesk,
    request: Request,
) -> Page[Entry]:
    """The ledger, row by row, the latest first: its sum is the points. For the member and for managers."""
    after = query.start("id", int)
    async with desk.database.reading() as reader:
        check_shown(caller, member_id, listed=await members.is_listed(reader, member_id))
        check(caller, "member.points", Owned(member_id))
        found = await members.ledger(reader, member_id, after=after, size=query.size)
    return page_of(request, query, found, "id", lambda one: (one.id,))


@router.get("/members/{member_id}/achievements", responses=problems(404))
async def list_awards(
    member_id: UUID,
    query: Annotated[PageQuery, Query()],
    caller: Caller,
    desk: CurrentDesk,
    request: Request,
) -> Page[Award]:
    """What a member holds, the latest first; with what was taken back for the member and for managers."""
    check(caller, "member.read")
    after = query.start("awarded_at", datetime, UUID)
    revoked = may(caller, "member.points", Owned(member_id))
    async with desk.database.reading() as reader:
        check_shown(caller, member_id, listed=await members.is_listed(reader, member_id))
        found = await awards(reader, member_id, revoked=revoked, after=after, size=query.size)
    return page_of(request, query, found, "awarded_at", lambda one: (one.awarded_at, one.id))


@router.get("/leaderboard")
async def read_leaderboard(
    query: Annotated[BoardQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Standing]:
    """Who has most points, of all time or of the present day, week or month. Equal points are an equal rank, and the
    next rank follows without a gap."""
    check(caller, "leaderboard.read")
    asked = query if query.limit is None else query.model_copy(update={"size": query.limit})
    start = query.start(query.window, int, int, UUID)
    after = None if start is None else (start[0], start[1], start[2])
    today = datetime.now(UTC).date()
    async with desk.database.reading() as reader:
        found = await members.leaderboard(reader, query.window, today, after=after, size=asked.size)
    return page_of(request, asked, found, query.window, lambda one: (one.rank, one.points, one.member.id))


def check_shown(caller: Principal, member_id: UUID, *, listed: bool) -> None:
    """Who is on no leaderboard is not there for others."""
    if not listed and not may(caller, "member.hidden", Owned(member_id)):
        raise not_found()
