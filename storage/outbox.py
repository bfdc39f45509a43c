"""The outbox: how a transaction tells the durable side what it did.

The row is committed with the fact or not at all; NOTIFY wakes the relay (`workers/relay.py`) at commit, so
nobody polls. Taking rows out is the relay's business.
"""

from typing import Any, Literal

from sqlalchemy import func, insert, select

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
    "restored",
]


async def put(writer: Writer, topic: Topic, key: str, payload: dict[str, Any]) -> None:
    """Add a row; `key` names the subject, so that the relay can act on it once. The request that it goes back
    to is kept with it."""
    carrier = origin()
    values = {"topic": topic, "key": key, "payload": payload | {ORIGIN: carrier} if carrier else payload}
    await writer.execute(insert(OutboxRow).values(values))
    await writer.execute(select(func.pg_notify(CHANNEL, topic)))
