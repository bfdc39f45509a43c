"""The way of a mail through its states: claimed, sent, failed, kept, dead, and sent again.

`Deliveries` is what the delivery activities are handed; each method is one transaction, guarded by the
generation, so that an attempt that comes late changes nothing.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Uuid, cast, func, select, update

from domain.authorization import not_found
from domain.errors import Conflict
from domain.notification.delivery import DeadLetter, Delivery, NotificationInput, outbox_key
from domain.notification.kind import Channel, Kind
from domain.notification.record import State
from storage import link, outbox
from storage.database import Database, Reader, Writer
from storage.tables.account import PersonRow
from storage.tables.notification import NotificationRow as Row
from storage.tables.ticket import TicketCommentRow as Comment


class Deliveries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, job: NotificationInput) -> Delivery | None:
        """What to send; None when the row is gone, was sent already, or belongs to a later generation."""
        async with self._database.reading() as reader:
            statement = _deliveries(job.notification_id).where(
                Row.state == State.PENDING, Row.generation == job.generation
            )
            row = (await reader.execute(statement)).one_or_none()
            return None if row is None else await _delivery(reader, row, linked=True)

    async def mark_sent(self, job: NotificationInput) -> None:
        await self._mark(
            job,
            state=State.SENT,
            sent_at=datetime.now(UTC),
            attempts=Row.attempts + 1,
            last_error=None,
        )

    async def mark_kept(self, job: NotificationInput) -> None:
        await self._mark(job, state=State.KEPT)

    async def mark_failed(self, job: NotificationInput, error: str) -> None:
        """The attempt failed; whether there is another one is the process's business."""
        await self._mark(job, attempts=Row.attempts + 1, last_error=error)

    async def mark_dead(self, letter: DeadLetter) -> None:
        """Keeps what the mail server said last; without it, the code tells why."""
        await self._mark(letter, state=State.DEAD, last_error=func.coalesce(Row.last_error, letter.code))

    async def _mark(self, job: NotificationInput | DeadLetter, **values: Any) -> None:
        async with self._database.writing() as writer:
            await writer.execute(
                update(Row)
                .where(
                    Row.id == job.notification_id,
                    Row.generation == job.generation,
                    Row.state == State.PENDING,
                )
                .values(values)
            )


async def mail_of(reader: Reader, notification_id: UUID, *, linked: bool) -> Delivery:
    """What the mail of this row holds, in whatever state it is, with its signed link if it is `linked`. Raises
    NotFound."""
    row = (await reader.execute(_deliveries(notification_id))).one_or_none()
    if row is None:
        raise not_found()
    return await _delivery(reader, row, linked=linked)


async def resend(writer: Writer, notification_id: UUID, *, smtp_configured: bool) -> None:
    """Puts a dead or kept mail on its way again. Raises NotFound, and Conflict for a mail in another state."""
    statement = select(Row.state, Row.generation).where(Row.id == notification_id).with_for_update()
    row = (await writer.execute(statement)).one_or_none()
    if row is None:
        raise not_found()
    if row.state not in (State.DEAD, State.KEPT):
        raise Conflict(
            "not_resendable",
            f"Only a mail that is dead or kept can be sent again; this one is {row.state}.",
            state=row.state,
        )
    if not smtp_configured:
        raise Conflict("smtp_not_configured", "No mail server is configured; set SMTP_URL first.")
    generation = row.generation + 1
    await writer.execute(
        update(Row)
        .where(Row.id == notification_id)
        .values(state=State.PENDING, generation=generation, attempts=0, last_error=None, send_after=None)
    )
    await outbox.put(writer, "notification", outbox_key(notification_id, generation), {})


def _deliveries(notification_id: UUID) -> Select[Any]:
    return (
        select(
            Row.id,
            Row.kind,
            Row.params,
            Row.locale,
            PersonRow.name,
            PersonRow.email,
            PersonRow.time_zone,
            PersonRow.active,
            Comment.body,
        )
        .join(PersonRow, PersonRow.id == Row.recipient_id)
        .outerjoin(Comment, Comment.id == cast(Row.params["comment_id"].astext, Uuid))
        .where(Row.id == notification_id, Row.channel == Channel.EMAIL)
    )


async def _delivery(reader: Reader, row: Any, *, linked: bool) -> Delivery:
    wanted = row.params.get("link") if linked else None
    token = None if wanted is None else await link.token_of(reader, wanted, row.id)
    return Delivery(
        notification_id=row.id,
        kind=Kind(row.kind),
        params=row.params,
        locale=row.locale,
        time_zone=row.time_zone,
        name=row.name,
        email=row.email,
        active=row.active,
        body=row.body or row.params.get("excerpt"),
        link=token,
    )
