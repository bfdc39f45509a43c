"""The tags there are."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.page import Page, PageQuery, page_of
from domain.authorization import check, ticket_visibility
from domain.text import Word
from domain.ticket.record import TagCount
from storage.ticket import tags

router = APIRouter(tags=["tickets"])


class TagQuery(PageQuery):
    """`q` is how a tag begins."""

    q: Word | None = None


@router.get("/tags", responses=problems(403))
async def list_tags(
    request: Request, query: Annotated[TagQuery, Query()], caller: Caller, desk: CurrentDesk
) -> Page[TagCount]:
    """The tags of tickets that the caller works on, by name, each with how many tickets have it, counted up to 1000."""
    check(caller, "tag.list")
    (after,) = query.start("tag", str) or ("",)
    async with desk.database.reading() as reader:
        found = await tags.listed(reader, ticket_visibility(caller), query.q or "", after, query.size)
    return page_of(request, query, found, "tag", lambda one: (one.tag,))
