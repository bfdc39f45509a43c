"""Attachments in the database: the record of each file, and which objects have one.

The object is written before its row and removed after it, so a row always has an object; an object without
a row is harmless and found by `without_row`. No event of the ticket is written here: those belong to the
ticket's process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, insert, select

from domain.account import Ref
from domain.attachment import Attachment, check_room
from domain.authorization import not_found
from domain.errors import Conflict
from domain.ticket.fields import Visibility
from storage.conflicts import refusals
from storage.database import Reader, Writer
from storage.tables.account import PersonRow
from storage.tables.attachment import AttachmentRow
from storage.tables.ticket import TicketCommentRow, TicketRow
from storage.ticket import feed


@dataclass(frozen=True, slots=True)
class Stored:
    """A record and the key of its object."""

    record: Attachment
    key: str


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """The columns that the desk decides; the database adds the time, unless it comes from another desk, and leaves
    out a comment that is not on the ticket."""

    id: UUID
    ticket_id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    key: str
    visibility: Visibility
    created_by: UUID
    comment_id: UUID | None = None
    created_at: datetime | None = None


async def add(writer: Writer, new: NewAttachment) -> Stored:
    """The row of `new`, or the one that is there under its id; the caller compares the keys.

    Locks the ticket, so that two cannot take its last place. Raises NotFound when the ticket is gone and
    Conflict when it is full, or when the id stands for another file, there or elsewhere.
    """
    lock = select(TicketRow.id).where(TicketRow.id == new.ticket_id).with_for_update(key_share=True)
    if await writer.scalar(lock) is None:
        raise not_found()
    known = await get(writer, new.ticket_id, new.id)
    if known is not None:
        check_same(known.record, new.name, new.sha256, new.visibility)
        return known
    check_room(await count(writer, new.ticket_id))
    values = {name: getattr(new, name) for name in NewAttachment.__slots__ if name != "comment_id"}
    said = (TicketCommentRow.id == new.comment_id) & (TicketCommentRow.ticket_id == new.ticket_id)
    values["comment_id"] = select(TicketCommentRow.id).where(said).scalar_subquery()
    if new.created_at is None:
        del values["created_at"]
    async with refusals():
        await writer.execute(insert(AttachmentRow).values(values))
    await feed.touch(writer, [new.ticket_id])
    added = await get(writer, new.ticket_id, new.id)
    assert added is not None
    return added


def check_same(known: Attachment, name: str, sha256: str, visibility: Visibility) -> None:
    """Raise Conflict unless `known` is this very file: a key may only ever stand for one."""
    if (known.name, known.sha256, known.visibility) != (name, sha256, visibility):
        raise Conflict("idempotency_key_reused", "This idempotency key was used for another file.")


async def get(reader: Reader | Writer, ticket_id: UUID, attachment_id: UUID) -> Stored | None:
    statement = _attachments().where(AttachmentRow.ticket_id == ticket_id, AttachmentRow.id == attachment_id)
    row = (await reader.execute(statement)).one_or_none()
    return None if row is None else Stored(_record(row), row.key)


async def of_ticket(reader: Reader, ticket_id: UUID, *, internal: bool) -> list[Attachment]:
    """Oldest first; internal ones only for those who may read them."""
    statement = _attachments().where(AttachmentRow.ticket_id == ticket_id)
    if not internal:
        statement = statement.where(AttachmentRow.visibility == Visibility.PUBLIC)
    statement = statement.order_by(AttachmentRow.created_at, AttachmentRow.id)
    return [_record(row) for row in (await reader.execute(statement)).all()]


async def count(reader: Reader | Writer, ticket_id: UUID) -> int:
    statement = select(func.count()).select_from(AttachmentRow).where(AttachmentRow.ticket_id == ticket_id)
    return await reader.scalar(statement) or 0


async def remove(writer: Writer, ticket_id: UUID, attachment_id: UUID) -> None:
    await writer.execute(
        delete(AttachmentRow).where(AttachmentRow.ticket_id == ticket_id, AttachmentRow.id == attachment_id)
    )
    await feed.touch(writer, [ticket_id])


async def without_row(reader: Reader, keys: Sequence[str]) -> set[str]:
    """Those of `keys` that no row names."""
    found = await reader.scalars(select(AttachmentRow.key).where(AttachmentRow.key.in_(keys)))
    return set(keys).difference(found.all())


def _attachments() -> Select[Any]:
    return select(*AttachmentRow.__table__.columns, PersonRow.name.label("created_by_name")).join(
        PersonRow, PersonRow.id == AttachmentRow.created_by
    )


def _record(row: Row[Any]) -> Attachment:
    return Attachment(
        id=row.id,
        ticket_id=row.ticket_id,
        comment_id=row.comment_id,
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        visibility=row.visibility,
        created_by=Ref(id=row.created_by, name=row.created_by_name),
        created_at=row.created_at,
    )
