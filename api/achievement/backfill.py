"""Looking at everybody for an active achievement again, or for any as a dry run that only counts."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.forms import Form
from api.page import Page, PageQuery, page_of
from domain.achievement.record import Backfill, State
from domain.authorization import check
from domain.errors import Conflict
from storage.achievement import backfill as backfills
from storage.achievement import records

router = APIRouter(prefix="/{achievement_id}/backfills")


class NewBackfill(Form):
    dry_run: bool = False


@router.get("", responses=problems(403, 404))
async def list_backfills(
    achievement_id: UUID,
    query: Annotated[PageQuery, Query()],
    caller: Caller,
    desk: CurrentDesk,
    request: Request,
) -> Page[Backfill]:
    """The newest first; the activation made the first one."""
    check(caller, "achievement.drafts")
    after = query.start("created_at", datetime, UUID)
    async with desk.database.reading() as reader:
        await records.achievement(reader, achievement_id)
        found = await backfills.backfills(reader, achievement_id, after=after, size=query.size)
    return page_of(request, query, found, "created_at", lambda one: (one.created_at, one.id))


@router.post("", status_code=202, responses=problems(403, 404, 409))
async def start_backfill(
    achievement_id: UUID, form: NewBackfill, caller: Caller, desk: CurrentDesk, response: Response
) -> Backfill:
    """A durable process looks at everybody. Who holds it already gets nothing more."""
    check(caller, "achievement.write")
    async with desk.database.writing() as writer:
        known = await records.achievement(writer, achievement_id)
        if known.state is not State.ACTIVE and not form.dry_run:
            raise Conflict(
                "not_active", "Only what is active is awarded; ask for a dry run.", field="dry_run"
            )
        made = await backfills.begin(writer, achievement_id, dry_run=form.dry_run)
    response.headers["Location"] = f"/api/v1/achievements/{achievement_id}/backfills/{made.id}"
    return made


@router.get("/{backfill_id}", responses=problems(403, 404))
async def read_backfill(
    achievement_id: UUID, backfill_id: UUID, caller: Caller, desk: CurrentDesk
) -> Backfill:
    """How far it is."""
    check(caller, "achievement.drafts")
    async with desk.database.reading() as reader:
        return await backfills.backfill(reader, achievement_id, backfill_id)


@router.post("/{backfill_id}/cancel", responses=problems(403, 404))
async def cancel_backfill(
    achievement_id: UUID, backfill_id: UUID, caller: Caller, desk: CurrentDesk
) -> Backfill:
    """It looks no further; what was awarded stays."""
    check(caller, "achievement.write")
    async with desk.database.writing() as writer:
        await backfills.backfill(writer, achievement_id, backfill_id)
        await backfills.cancel(writer, backfill_id)
        return await backfills.backfill(writer, achievement_id, backfill_id)
