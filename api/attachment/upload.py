"""Attaching a file: its bytes go straight to the store of objects, then its record to the database.

Every refusal (too large, empty, not allowed, a broken body) comes while the bytes pass by, so nothing is
stored of a refused file. Uploading writes no event of the ticket: events belong to the ticket's process.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from adapters.objects import Objects, attachment_key
from api.attachment.access import Store
from api.attachment.incoming import Incoming, open_incoming
from api.dependencies import Caller, CurrentDesk, IdempotencyKey
from api.desk import Desk
from api.errors import problems
from api.forms import Then
from api.ticket.access import ticket_for
from domain.account import Principal
from domain.attachment import Attachment, Content, Intake, attachment_id, check_room, media_type_of
from domain.authorization import TicketFacts, check
from domain.errors import Conflict, Invalid, NotFound
from domain.text import Email
from domain.ticket.fields import Visibility
from storage import account, attachment
from storage.attachment import NewAttachment, Stored
from storage.ticket import read

router = APIRouter(prefix="/tickets/{ticket_id}/attachments", tags=["attachments"])

_BINARY: Final = {"type": "string", "format": "binary"}
_VISIBILITY: Final = {"type": "string", "enum": list(Visibility), "default": Visibility.PUBLIC}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _BINARY, "visibility": _VISIBILITY},
                }
            },
            "application/octet-stream": {"schema": _BINARY},
        },
    }
}


class UploadQuery(BaseModel):
    """`name` makes the body itself the file. `visibility` in a form goes before the one here.

    With `id` the file comes from another desk, and keeps what it was there: its comment, if that is on the ticket,
    who added it, by address, and when.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = None
    visibility: Visibility = Visibility.PUBLIC
    id: UUID | None = None
    comment: UUID | None = None
    created_by: Email | None = None
    created_at: Then | None = None

    def check(self, caller: Principal) -> None:
        """Raises Forbidden for who may not import, Invalid where `id` is missing."""
        if self.id is not None:
            check(caller, "ticket.import")
        elif missing := next((name for name in _PAST if getattr(self, name) is not None), None):
            raise Invalid("id_missing", f"`{missing}` goes with `id`, the attachment's own.", field=missing)


_PAST: Final = ("comment", "created_by", "created_at")


@router.post(
    "",
    status_code=201,
    response_model=Attachment,
    responses=problems(403, 404, 409, 413, 415),
    openapi_extra=_BODY,
)
async def attach_file(
    ticket_id: UUID,
    request: Request,
    query: Annotated[UploadQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
    objects: Store,
    key: IdempotencyKey,
    response: Response,
) -> Attachment:
    """A form with `file`, or the file as the body with its Content-Type and `?name=`.

    The media type in the answer is what the content is, whatever was declared. The same `Idempotency-Key`
    with the same file gives the same attachment. Internal ones are the staff's to add and to read. Who may import
    tickets gives a file of another desk its `id`, `comment`, `created_by` and `created_at`.
    """
    query.check(caller)
    upload_id = uuid4()
    named = query.id or (None if key is None else attachment_id(ticket_id, caller.person_id, key))
    record_id = named or upload_id
    ticket, known = await _admitted(desk, caller, ticket_id, record_id)
    limit = desk.settings.max_attachment_bytes
    incoming = open_incoming(request, query.name, query.visibility, limit)
    intake = Intake(limit)
    chunks = _checked(incoming, intake, caller, ticket)
    if known is None:
        object_key = attachment_key(ticket_id, upload_id)
        await objects.put(object_key, chunks)
        new = _described(incoming, intake.finish(), record_id, ticket_id, object_key, caller)
        record = await _recorded(desk, objects, new, query)
    else:
        record = await _repeated(known, incoming, intake, chunks)
    response.headers["Location"] = f"/api/v1/tickets/{ticket_id}/attachments/{record.id}"
    return record


async def _admitted(
    desk: Desk, caller: Principal, ticket_id: UUID, record_id: UUID
) -> tuple[TicketFacts, Stored | None]:
    """The ticket, and the attachment that has this id already; raises before a byte is read."""
    async with desk.database.reading() as reader:
        ticket = await ticket_for(reader, caller, ticket_id, "ticket.attach")
        known = await attachment.get(reader, ticket_id, record_id)
        if known is None:
            check_room(await attachment.count(reader, ticket_id))
    return read.facts(ticket), known


async def _checked(
    incoming: Incoming, intake: Intake, caller: Principal, ticket: TicketFacts
) -> AsyncIterator[bytes]:
    """The chunks. Raises at the latest after the last one, while the store can still forget them all."""
    async for chunk in incoming.chunks():
        intake.take(chunk)
        yield chunk
    intake.finish()
    if incoming.visibility is Visibility.INTERNAL:
        check(caller, "ticket.note", ticket)


def _described(
    incoming: Incoming,
    content: Content,
    record_id: UUID,
    ticket_id: UUID,
    object_key: str,
    caller: Principal,
) -> NewAttachment:
    return NewAttachment(
        id=record_id,
        ticket_id=ticket_id,
        name=incoming.name,
        media_type=media_type_of(content, incoming.name, incoming.declared),
        size=content.size,
        sha256=content.sha256,
        key=object_key,
        visibility=incoming.visibility,
        created_by=caller.person_id,
    )


async def _recorded(desk: Desk, objects: Objects, new: NewAttachment, query: UploadQuery) -> Attachment:
    """Writes the row. An object that gets none is deleted, unless the database may still hold the row."""
    try:
        async with desk.database.writing() as writer:
            if query.created_by is not None:
                locale = desk.settings.locale
                new = replace(
                    new, created_by=await account.ensure_person(writer, query.created_by, locale=locale)
                )
            new = replace(new, comment_id=query.comment, created_at=query.created_at)
            stored = await attachment.add(writer, new)
    except (NotFound, Conflict):
        await objects.delete(new.key)
        raise
    if stored.key != new.key:  # the same request, sent twice at once, was faster
        await objects.delete(new.key)
    return stored.record


async def _repeated(
    known: Stored, incoming: Incoming, intake: Intake, chunks: AsyncIterator[bytes]
) -> Attachment:
    async for _ in chunks:
        pass
    attachment.check_same(known.record, incoming.name, intake.finish().sha256, incoming.visibility)
    return known.record
