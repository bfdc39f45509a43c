"""The outbox: how a transaction tells the durable side what it did.

The row is committed with the fact or not at all; NOTIFY wakes the relay (`workers/relay.py`) at commit, so
nobody polls. What becomes of what is taken out is the relay's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import delete, exists, func, insert, or_, select
from sqlalchemy.orm import aliased

from runtime.origin import origin
from storage.database import Writer
from storage.tables.outbox import OutboxRow

CHANNEL = "duradesk_outbox"
ORIGIN = "origin"

Topic = Literal[
    "notification",
    "capacity",
    "absence",
    "reroute",
    "policy",
    "ticket",
    "split",
    "bulk",
    "member",
    "survey",
    "feedback",
    "telling",
    "backfill",
    "claim",
    "restored",
]

_IN_ORDER: Final = ("ticket", "feedback")
"""Topics whose messages for one key must be handed over one after the other: a merge before it is taken back."""


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """What a transaction did, until it is handed over."""

    id: int
    topic: str
    key: str
    payload: Mapping[str, Any]


async def put(writer: Writer, topic: Topic, key: str, payload: dict[str, Any]) -> None:
    """Add a row; `key` names the subject, so that the relay can act on it once. The request that it goes back
    to is kept with it."""
    carrier = origin()
    values = {"topic": topic, "key": key, "payload": payload | {ORIGIN: carrier} if carrier else payload}
    await writer.execute(insert(OutboxRow).values(values))
    await writer.execute(select(func.pg_notify(CHANNEL, topic)))


async def take(writer: Writer, most: int) -> list[OutboxMessage]:
    """The oldest ones that nobody else is handing over; nobody else gets them while this transaction lasts.

    Of a topic whose order matters it takes one for each key, so what came later waits until that one is gone,
    whoever is handing it over.
    """
    older = aliased(OutboxRow)
    waits = exists().where(
        older.topic == OutboxRow.topic, older.key == OutboxRow.key, older.id < OutboxRow.id
    )
    columns = (OutboxRow.id, OutboxRow.topic, OutboxRow.key, OutboxRow.payload)
    statement = select(*columns).where(or_(OutboxRow.topic.not_in(_IN_ORDER), ~waits)).order_by(OutboxRow.id)
    statement = statement.limit(most).with_for_update(of=OutboxRow, skip_locked=True)
    return [OutboxMessage(*row) for row in await writer.execute(statement)]


async def remove(writer: Writer, ids: Sequence[int]) -> None:
    await writer.execute(delete(OutboxRow).where(OutboxRow.id.in_(ids)))
