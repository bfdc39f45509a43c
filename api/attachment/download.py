"""Handing out the content of an attachment, so that no browser ever runs it.

What is not a picture, a PDF or plain text goes out as bytes to be saved. Content never changes, so its hash is
its ETag; rights may change, so a browser has to ask again each time.
"""

import re
from typing import Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from api.attachment.access import Store, attachment_for
from api.dependencies import Caller, CurrentDesk
from api.errors import problem, problems
from domain.attachment import Attachment, presentation_of

router = APIRouter(prefix="/tickets/{ticket_id}/attachments", tags=["attachments"])

_CONTENT: Final = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_PLAIN: Final = re.compile(r"[^\x20-\x7e]|[\"\\%]")


@router.get(
    "/{attachment_id}",
    response_class=StreamingResponse,
    responses={200: _CONTENT, 206: _CONTENT, **problems(404, 416)},
)
async def download_attachment(
    ticket_id: UUID,
    attachment_id: UUID,
    request: Request,
    desk: CurrentDesk,
    caller: Caller,
    objects: Store,
) -> Response:
    """The content, or one `Range` of it."""
    async with desk.database.reading() as reader:
        stored, _ = await attachment_for(reader, caller, ticket_id, attachment_id)
    record = stored.record
    headers = _headers(record)
    if _is_known(request, headers["ETag"]):
        return Response(status_code=304, headers={"ETag": headers["ETag"]})
    start, end = _range_of(request, record)
    if start >= end:
        detail = f"The attachment has {record.size} bytes."
        beyond = {"Content-Range": f"bytes */{record.size}"}
        return problem(request.scope, 416, "range_not_satisfiable", detail, headers=beyond)
    status = 200
    if end - start < record.size:
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{record.size}"
    content = await objects.get(stored.key, start, end)
    headers["Content-Length"] = str(end - start)
    return StreamingResponse(content, status, headers, presentation_of(record.media_type).media_type)


@router.head("/{attachment_id}", response_class=Response, responses=problems(404))
async def describe_attachment(
    ticket_id: UUID, attachment_id: UUID, desk: CurrentDesk, caller: Caller
) -> Response:
    """The headers of the content."""
    async with desk.database.reading() as reader:
        stored, _ = await attachment_for(reader, caller, ticket_id, attachment_id)
    headers = {**_headers(stored.record), "Content-Length": str(stored.record.size)}
    return Response(headers=headers, media_type=presentation_of(stored.record.media_type).media_type)


def _headers(record: Attachment) -> dict[str, str]:
    return {
        "ETag": f'"{record.sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": content_disposition(
            record.name, inline=presentation_of(record.media_type).inline
        ),
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def content_disposition(name: str, *, inline: bool) -> str:
    """RFC 6266: the name in ASCII for old programs, and in UTF-8 (RFC 8187) when that is not the same."""
    kind = "inline" if inline else "attachment"
    plain = _PLAIN.sub("_", name)
    if plain == name:
        return f'{kind}; filename="{name}"'
    encoded = quote(name.encode("utf-8", "replace"), safe="!#$&+-.^_`|~")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def _is_known(request: Request, etag: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in known.split(","))


def _range_of(request: Request, record: Attachment) -> tuple[int, int]:
    """Start and end (excluded) of what is asked for; no start before its end: nothing can satisfy it.

    Several ranges, other units and broken headers are ignored, as HTTP allows; so is a range of a file that
    has changed (`If-Range`).
    """
    whole = (0, record.size)
    found = _RANGE.fullmatch(request.headers.get("range", ""))
    condition = request.headers.get("if-range")
    if found is None or condition not in (None, f'"{record.sha256}"'):
        return whole
    first, last = found.groups()
    if not first and not last:
        return whole
    if not first:
        return (max(record.size - int(last), 0), record.size)
    if last and int(last) < int(first):
        return whole
    return (int(first), min(int(last) + 1, record.size) if last else record.size)
