"""Releases: what they ship, and the word to each item when one is published. And the roadmap, which shows what is to
be shipped."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.authorization import not_found
from domain.errors import Conflict, Invalid
from domain.feedback.fields import Status
from domain.feedback.messages import Change
from domain.feedback.moves import MOVES, Action
from domain.feedback.record import Release, RoadmapItem
from domain.repetition import key_reused
from storage import outbox
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.tables.feedback import FeedbackRow, ReleaseItemRow, ReleaseRow

NEWEST_FIRST: Final = Order((ReleaseRow.created_at, ReleaseRow.id), descending=True)
ROADMAP: Final = (Status.PLANNED, Status.IN_PROGRESS, Status.SHIPPED)
ROADMAP_LIMIT: Final = 100
"""Items of one column of the roadmap: those that most people want, and those that were shipped last."""

_SHOWN: Final = tuple(RoadmapItem.model_fields)
_ITEM: Final = [getattr(FeedbackRow, name) for name in _SHOWN]


async def roadmap(reader: Reader) -> dict[Status, list[RoadmapItem]]:
    """What everybody may read of what is planned, in progress and shipped."""
    found = {}
    for status in ROADMAP:
        order = FeedbackRow.shipped_at if status is Status.SHIPPED else FeedbackRow.score
        statement = select(*_ITEM).where(FeedbackRow.status == status, FeedbackRow.public)
        rows = await reader.execute(statement.order_by(order.desc(), FeedbackRow.id).limit(ROADMAP_LIMIT))
        found[status] = [RoadmapItem.model_validate(row) for row in rows]
    return found


async def create(
    writer: Writer, release_id: UUID, fingerprint: str, name: str, notes: str, items: Sequence[UUID], by: UUID
) -> bool:
    """False if it was there before. Raises Conflict for another release under the same key, Invalid for unknown
    items."""
    values = {"name": name, "notes": notes, "fingerprint": fingerprint, "created_by": by}
    made = upsert(ReleaseRow).values(id=release_id, **values).on_conflict_do_nothing()
    if await writer.scalar(made.returning(ReleaseRow.id)) is None:
        known = await writer.scalar(select(ReleaseRow.fingerprint).where(ReleaseRow.id == release_id))
        if known != fingerprint:
            raise key_reused()
        return False
    await _set_items(writer, release_id, items)
    return True


async def change(
    writer: Writer, release_id: UUID, values: dict[str, Any], items: Sequence[UUID] | None
) -> None:
    """Of a draft. Raises NotFound, Conflict when it is published, Invalid for unknown items."""
    await _lock_draft(writer, release_id)
    if values:
        await writer.execute(update(ReleaseRow).where(ReleaseRow.id == release_id).values(values))
    if items is not None:
        await _set_items(writer, release_id, items)


async def publish(writer: Writer, release_id: UUID, now: datetime) -> None:
    """Ships every item that it names; each process hears of it by the outbox. Publishing twice ships once.

    Raises NotFound, and Conflict `not_ready` when an item can not be shipped from where it stands.
    """
    row = await _locked(writer, release_id)
    if row.published_at is not None:
        return
    statement = (
        select(FeedbackRow.id, FeedbackRow.number, FeedbackRow.status)
        .join(ReleaseItemRow, ReleaseItemRow.feedback_id == FeedbackRow.id)
        .where(ReleaseItemRow.release_id == release_id)
    )
    items = (await writer.execute(statement.order_by(FeedbackRow.id).with_for_update(of=FeedbackRow))).all()
    late = sorted(item.number for item in items if Action.SHIP not in MOVES[Status(item.status)])
    if late:
        named = ", ".join(f"#{number}" for number in late[:10])
        raise Conflict(
            "not_ready", f"Only what is planned or in progress can be shipped: {named}.", items=late
        )
    await writer.execute(update(ReleaseRow).where(ReleaseRow.id == release_id).values(published_at=now))
    for item in items:
        await outbox.put(
            writer, "feedback", str(item.id), {"cause": "released", "release_id": str(release_id)}
        )


async def mark_shipped(writer: Writer, change: Change) -> None:
    """In the commit in which an item is shipped by a release: from then on the changelog names it for good."""
    state = change.state
    if state.release_id is not None and state.shipped_at == change.at:
        this = (ReleaseItemRow.release_id == state.release_id, ReleaseItemRow.feedback_id == state.id)
        await writer.execute(update(ReleaseItemRow).where(*this).values(shipped_at=change.at))


async def release(reader: Reader | Writer, release_id: UUID, *, drafts: bool) -> Release:
    """Raises NotFound, also for a draft where drafts are not shown."""
    statement = select(ReleaseRow).where(ReleaseRow.id == release_id)
    row = (await reader.scalars(statement)).one_or_none()
    if row is None or (row.published_at is None and not drafts):
        raise not_found()
    return (await _records(reader, [row], everything=drafts))[0]


async def releases(reader: Reader, *, drafts: bool, after: Sequence[Any] | None, size: int) -> list[Release]:
    """The newest first."""
    statement = select(ReleaseRow)
    if not drafts:
        statement = statement.where(ReleaseRow.published_at.is_not(None))
    rows = (await reader.scalars(page(statement, NEWEST_FIRST, after, size))).all()
    return await _records(reader, rows, everything=drafts)


async def _records(reader: Reader | Writer, rows: Sequence[ReleaseRow], *, everything: bool) -> list[Release]:
    """With the items that they ship, as far as everybody may read them: not one that was declined before it could be
    shipped."""
    statement = (
        select(ReleaseItemRow.release_id, *_ITEM)
        .join(FeedbackRow, FeedbackRow.id == ReleaseItemRow.feedback_id)
        .where(ReleaseItemRow.release_id.in_([row.id for row in rows]))
        .order_by(FeedbackRow.number)
    )
    if not everything:
        will = FeedbackRow.status.in_([status for status in Status if Action.SHIP in MOVES[status]])
        shipped = ReleaseItemRow.shipped_at.is_not(None)
        statement = statement.where(FeedbackRow.public, or_(shipped, will))
    items: dict[UUID, list[RoadmapItem]] = {}
    for item in await reader.execute(statement):
        items.setdefault(item.release_id, []).append(RoadmapItem.model_validate(item))
    return [
        Release(
            id=row.id,
            name=row.name,
            notes=row.notes,
            created_at=row.created_at,
            published_at=row.published_at,
            items=tuple(items.get(row.id, ())),
        )
        for row in rows
    ]


async def _set_items(writer: Writer, release_id: UUID, items: Sequence[UUID]) -> None:
    wanted = list(dict.fromkeys(items))
    known = set(await writer.scalars(select(FeedbackRow.id).where(FeedbackRow.id.in_(wanted))))
    if missing := [one for one in wanted if one not in known]:
        raise Invalid("unknown_feedback", f"There is no such feedback: {missing[0]}.", field="items")
    await writer.execute(delete(ReleaseItemRow).where(ReleaseItemRow.release_id == release_id))
    if wanted:
        rows = [{"release_id": release_id, "feedback_id": one} for one in wanted]
        await writer.execute(insert(ReleaseItemRow), rows)


async def _locked(writer: Writer, release_id: UUID) -> ReleaseRow:
    statement = select(ReleaseRow).where(ReleaseRow.id == release_id).with_for_update()
    row = (await writer.scalars(statement)).one_or_none()
    if row is None:
        raise not_found()
    return row


async def _lock_draft(writer: Writer, release_id: UUID) -> None:
    if (await _locked(writer, release_id)).published_at is not None:
        raise Conflict("published", "This release is published; make another one.")
