"""Notifications as their recipients and the people who watch over deliveries see them. Who may see which row
is decided before, in `api/notification`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select, update

from domain.account import Ref
from domain.authorization import not_found
from domain.errors import Conflict
from domain.notification.kind import Channel, Kind
from domain.notification.record import Notification, State
from storage.database import Reader, Writer
from storage.page import Order, page
from storage.tables.account import PersonRow
from storage.tables.notification import NotificationRow as Row

ORDER: Final = Order((Row.created_at, Row.id), descending=True)


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    recipient: UUID | None = None
    channel: Channel | None = None
    state: State | None = None
    kind: Kind | None = None


async def notifications(
    reader: Reader, wanted: NotificationFilter, *, after: Sequence[Any] | None, size: int
) -> list[Notification]:
    """The newest first; one more than `size` when there are more."""
    statement = page(_notifications().where(*_conditions(wanted)), ORDER, after, size)
    return [_notification(row) for row in await reader.execute(statement)]


async def notification(session: Reader | Writer, notification_id: UUID) -> Notification:
    """Raises NotFound."""
    row = (await session.execute(_notifications().where(Row.id == notification_id))).one_or_none()
    if row is None:
        raise not_found()
    return _notification(row)


async def unread_count(reader: Reader, person_id: UUID) -> int:
    statement = select(func.count()).where(Row.recipient_id == person_id, Row.state == State.UNREAD)
    return await reader.scalar(statement) or 0


async def mark_read(writer: Writer, notification_id: UUID, now: datetime) -> None:
    """Reading twice keeps the first time. Raises Conflict for a mail, which nobody marks as read."""
    channel = await writer.scalar(select(Row.channel).where(Row.id == notification_id))
    if channel != Channel.IN_APP:
        raise Conflict("not_in_app", "Only a notification in the app can be marked as read.")
    await writer.execute(
        update(Row)
        .where(Row.id == notification_id, Row.state == State.UNREAD)
        .values(state=State.READ, read_at=now)
    )


async def mark_all_read(writer: Writer, person_id: UUID, now: datetime) -> int:
    """How many were unread."""
    found = await writer.scalars(
        update(Row)
        .where(Row.recipient_id == person_id, Row.state == State.UNREAD)
        .values(state=State.READ, read_at=now)
        .returning(Row.id)
    )
    return len(found.all())


def _notifications() -> Select[Any]:
    return select(
        Row.id,
        Row.kind,
        Row.channel,
        Row.state,
        Row.recipient_id,
        Row.params,
        Row.attempts,
        Row.last_error,
        Row.created_at,
        Row.send_after,
        Row.sent_at,
        Row.read_at,
        PersonRow.name.label("recipient_name"),
    ).join(PersonRow, PersonRow.id == Row.recipient_id)


def _conditions(wanted: NotificationFilter) -> list[Any]:
    given = {
        Row.recipient_id: wanted.recipient,
        Row.channel: wanted.channel,
        Row.state: wanted.state,
        Row.kind: wanted.kind,
    }
    return [column == value for column, value in given.items() if value is not None]


def _notification(row: Any) -> Notification:
    return Notification(
        id=row.id,
        kind=Kind(row.kind),
        channel=Channel(row.channel),
        state=State(row.state),
        recipient=Ref(id=row.recipient_id, name=row.recipient_name),
        params=row.params,
        attempts=row.attempts,
        last_error=row.last_error,
        created_at=row.created_at,
        send_after=row.send_after,
        sent_at=row.sent_at,
        read_at=row.read_at,
    )
