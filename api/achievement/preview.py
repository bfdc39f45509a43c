"""Who would get an achievement if it were active now: everybody is looked at, nothing is written."""

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from api.dependencies import Caller, CurrentDesk
from api.desk import Desk
from api.errors import problems
from domain.achievement.record import Previewed, Rule
from domain.authorization import check
from storage.achievement import backfill
from storage.member.rules import rules

router = APIRouter()

LINES: Final = "application/jsonl"
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A line for each member who meets it, and a last one with how many were looked at",
        "content": {LINES: {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/{achievement_id}/preview", response_class=StreamingResponse, responses={**_ANSWER, **problems(403, 404)}
)
async def preview_achievement(achievement_id: UUID, caller: Caller, desk: CurrentDesk) -> StreamingResponse:
    """Who meets it now and how many times, in JSON lines, and in the last line how many were `checked` and `met` it."""
    check(caller, "achievement.drafts")
    async with desk.database.reading() as reader:
        wanted = await backfill.rule(reader, achievement_id)
    return StreamingResponse(_lines(desk, wanted), media_type=LINES)


async def _lines(desk: Desk, wanted: Rule) -> AsyncIterator[str]:
    """Page by page; no connection is held while the reader takes one."""
    after, checked, met = None, 0, 0
    while True:
        async with desk.database.reading() as reader:
            seen = await backfill.look(reader, wanted, after, await rules(reader))
        checked, met, after = checked + seen.checked, met + len(seen.met), seen.last
        yield "".join(one.model_dump_json() + "\n" for one in seen.met)
        if after is None:
            yield Previewed(checked=checked, met=met).model_dump_json() + "\n"
            return
