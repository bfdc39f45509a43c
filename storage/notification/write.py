"""Writes notifications into the transaction of the event they tell of, and asks for their delivery."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Text, cast, func, insert, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as insert_or_ignore

from domain.notification import Channel, NewNotification, State
from storage import outbox
from storage.database import Writer
from storage.tables.notification import NotificationRow
from storage.tables.outbox import Outbox


async def add(writer: Writer, rows: Sequence[NewNotification], *, smtp_configured: bool) -> None:
    """Adds the rows that are not there yet, in one statement; adding them again changes nothing.

    Each new mail also gets an outbox row with the topic `notification`, unless no mail server is configured:
    then it is kept for reading.
    """
    if not rows:
        return
    added = (
        insert_or_ignore(NotificationRow)
        .values([_values(row, smtp_configured=smtp_configured) for row in rows])
        .on_conflict_do_nothing()
        .returning(
            NotificationRow.id, NotificationRow.generation, NotificationRow.state, NotificationRow.send_after
        )
    )
    if not any(row.channel is Channel.EMAIL for row in rows) or not smtp_configured:
        await writer.execute(added)
        return
    new = added.cte("added")
    asked = (
        insert(Outbox)
        .from_select(
            ["topic", "key", "payload"],
            select(
                literal("notification"),
                func.concat(cast(new.c.id, Text), ":", new.c.generation),
                func.jsonb_strip_nulls(
                    func.jsonb_build_object("send_after", new.c.send_after, type_=JSONB), type_=JSONB
                ),
            ).where(new.c.state == State.PENDING),
        )
        .returning(Outbox.id)
        .cte("asked")
    )
    await writer.execute(
        select(func.pg_notify(outbox.CHANNEL, "notification")).select_from(asked).limit(1).add_cte(new)
    )


def _values(row: NewNotification, *, smtp_configured: bool) -> dict[str, Any]:
    mail = State.PENDING if smtp_configured else State.KEPT
    return {
        "id": row.id,
        "event_key": row.event_key,
        "recipient_id": row.recipient_id,
        "channel": row.channel,
        "kind": row.kind,
        "params": row.params,
        "locale": row.locale,
        "state": mail if row.channel is Channel.EMAIL else State.UNREAD,
        "created_at": row.created_at,
        "send_after": row.send_after,
    }
