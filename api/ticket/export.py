"""Exporting tickets: a feed of what changed, to be read on from a cursor, and whole files of JSON lines or CSV.

A file is sent batch by batch, by number; nobody holds a connection to the database while its reader takes one, and
for each batch the caller is asked anew who they are. A feed is read in passes: `end_of_stream` says that all is told
that had changed when the pass began, and its cursor begins the next one. A cursor holds for one query of one person,
as long as what they may see stays the same.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from api.dependencies import Caller, CurrentDesk, secret_of, still
from api.desk import Desk
from api.errors import problems
from api.page import decode_cursor, encode_cursor
from api.sheet import sheet
from api.ticket.access import shown_to
from api.ticket.listing import Filters
from domain.account import Principal
from domain.authorization import Visibility, check, may, ticket_visibility
from domain.errors import Conflict, Invalid
from domain.field import Field as CustomField
from domain.sheet import Cell
from domain.ticket.export import ExportedTicket, cells, columns
from domain.ticket.filter import Filter
from domain.ticket.record import Ticket
from storage import field as fields
from storage.database import Reader
from storage.ticket import export, feed, read
from storage.ticket.listing import records

router = APIRouter(tags=["tickets"])

Part = TypeVar("Part")
Load = Callable[[Reader, Principal, Sequence[UUID]], Awaitable[Part]]
Batches = AsyncIterator[Part]

LINES: Final = "application/jsonl"
NAME: Final = "tickets"
_ACTION: Final = "ticket.export"
_AT_ONCE: Final = 500
_PAGE_SIZE_MAX: Final = 1000
_BEGINNING: Final = (-1, UUID(int=0))
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A page of the feed, or a file",
        "content": {name: {"schema": {"type": "string"}} for name in (LINES, "text/csv")},
    }
}


class ExportQuery(Filters):
    """`cursor` and `page[size]` are for the feed (`json`); `bom` lets a spreadsheet know that CSV is UTF-8."""

    format: Literal["json", "jsonl", "csv"] = "json"
    cursor: Annotated[str | None, Field(max_length=2000)] = None
    size: Annotated[int, Field(ge=1, le=_PAGE_SIZE_MAX, alias="page[size]")] = 100
    bom: bool = False

    def label(self) -> str:
        """Tells cursors of different queries apart."""
        asked = self.model_dump_json(exclude={"format", "cursor", "size", "bom"})
        return f"export {sha256(asked.encode()).hexdigest()[:16]}"


class FeedMeta(BaseModel):
    has_more: bool
    end_of_stream: bool
    cursor: str


class FeedLinks(BaseModel):
    next: str


class Feed(BaseModel):
    """Tickets in the order in which they changed last. `cursor` and `next` lead on, also from the end."""

    data: Sequence[ExportedTicket]
    meta: FeedMeta
    links: FeedLinks


@router.get("/tickets/export", response_model=Feed, responses={**_FILE, **problems(403, 409)})
async def export_tickets(
    request: Request, query: Annotated[ExportQuery, Query()], desk: CurrentDesk, caller: Caller
) -> Response:
    """Tickets with all that belongs to them: a page of the feed of changes, or a file with `format`."""
    check(caller, _ACTION)
    if query.format == "json":
        return await _feed(request, query, desk, caller)
    if query.cursor is not None:
        raise Invalid("cursor_needs_feed", "A file has no cursor; only the feed has one.", field="cursor")
    wanted, secret = query.filter(caller), secret_of(request)
    if query.format == "jsonl":
        return await _lines(_batches(desk, wanted, secret, _whole))
    async with desk.database.reading() as reader:
        known = [one for one in await fields.fields(reader) if one.active]
    return await sheet(
        NAME, columns(known), _table(_batches(desk, wanted, secret, _shown), known), bom=query.bom
    )


async def _feed(request: Request, query: ExportQuery, desk: Desk, caller: Principal) -> Response:
    visible, wanted = ticket_visibility(caller), query.filter(caller)
    async with desk.database.reading() as reader:
        fence = await feed.fence(reader)
        after, until = _BEGINNING, fence.place
        scope = _scope(visible, fence)
        if query.cursor is not None:
            after, until = _position(query, scope, fence)
        rows = await feed.changed(reader, visible, wanted, after, until, query.size)
        data = await _page_of(reader, caller, [ticket_id for _, ticket_id in rows[: query.size]])
    told = len(data)
    ended = told == len(rows)
    # A pass that has ended goes on where it ended, with a fence of its own.
    place, bound = ((until, UUID(int=0)), None) if ended else (rows[told - 1], until)
    cursor = encode_cursor(query.label(), scope, bound, *place)
    found = Feed.model_construct(
        data=data,
        meta=FeedMeta(has_more=not ended, end_of_stream=ended, cursor=cursor),
        links=FeedLinks(next=_link(request, cursor)),
    )
    return Response(found.model_dump_json(), media_type="application/json")


def _position(query: ExportQuery, scope: str, fence: feed.Fence) -> tuple[feed.Place, int]:
    """After which place the page begins, and where its pass ends."""
    assert query.cursor is not None
    try:
        known, until, place, ticket_id = decode_cursor(query.cursor, query.label(), str, int, int, UUID)
    except Invalid:
        raise _not_ours() from None
    if known is None or place is None:
        raise _not_ours()
    if known != scope or place > fence.place:
        raise Conflict(
            "export_restarted",
            "Begin anew without a cursor: the desk was restored, or what you may see has changed.",
            field="cursor",
        )
    return (place, ticket_id), fence.place if until is None else min(until, fence.place)


def _not_ours() -> Invalid:
    return Invalid("invalid_cursor", "This cursor is not from this query of this export.", field="cursor")


def _scope(visible: Visibility, fence: feed.Fence) -> str:
    """What a cursor depends on beside its query."""
    seen = [str(visible.person_id), visible.everything, visible.works, sorted(map(str, visible.team_ids))]
    return sha256(orjson.dumps([str(fence.generation), *seen])).hexdigest()[:16]


def _link(request: Request, cursor: str) -> str:
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*others, ('cursor', cursor)])}"


async def _page_of(reader: Reader, caller: Principal, ids: Sequence[UUID]) -> list[ExportedTicket]:
    """The tickets, of `ids` as many as fit into one answer."""
    batches = await export.batches(reader, ids)
    return await _whole(reader, caller, batches[0]) if batches else []


async def _whole(reader: Reader, caller: Principal, ids: Sequence[UUID]) -> list[ExportedTicket]:
    found = await _shown(reader, caller, ids)
    worked = {one.id for one in found if may(caller, "ticket.internal", read.facts(one))}
    return await export.whole(reader, found, worked)


async def _shown(reader: Reader, caller: Principal, ids: Sequence[UUID]) -> list[Ticket]:
    known = await records(reader, ids)
    return [shown_to(caller, known[one]) for one in ids if one in known]


async def _batches(desk: Desk, wanted: Filter, secret: str, load: Load[Part]) -> Batches[Part]:
    """All tickets that are asked for, by number, a bounded amount of text at a time."""
    after, more = 0, True
    while more:
        async with desk.database.reading() as reader:
            visible = ticket_visibility(await still(reader, secret, _ACTION))
            rows = await export.numbered(reader, visible, wanted, after, _AT_ONCE)
            parts = await export.batches(reader, [ticket_id for _, ticket_id in rows])
        for part in parts:
            async with desk.database.reading() as reader:
                loaded = await load(reader, await still(reader, secret, _ACTION), part)
            yield loaded
        more = len(rows) == _AT_ONCE
        after = rows[-1][0] if rows else after


async def _lines(batches: Batches[Sequence[ExportedTicket]]) -> StreamingResponse:
    """The first batch is awaited, so that what is wrong with the request is still told as a problem."""
    first: Sequence[ExportedTicket] = await anext(batches, [])

    async def lines() -> AsyncIterator[bytes]:
        yield _written(first)
        async for batch in batches:
            yield _written(batch)

    headers = {"Content-Disposition": f'attachment; filename="{NAME}.jsonl"'}
    return StreamingResponse(lines(), headers=headers, media_type=LINES)


def _written(batch: Sequence[ExportedTicket]) -> bytes:
    return b"".join(one.model_dump_json().encode() + b"\n" for one in batch)


async def _table(
    batches: Batches[Sequence[Ticket]], known: Sequence[CustomField]
) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    async for batch in batches:
        yield [cells(one, known) for one in batch]
