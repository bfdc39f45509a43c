"""The relay: takes what transactions left in the outbox and hands it to the durable side.

It sleeps in LISTEN and is woken by the commit of a row; after a lost connection, and every half minute for
safety, it looks by itself. Handing over is idempotent (a workflow is started once for its id, a signal says no more
than «look again»), so a row that is handed over and not yet deleted when everything dies is handed over again
to no effect. Several relays may run: rows are taken with SKIP LOCKED.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import psycopg
import structlog

from domain.errors import DeskError
from runtime import tracing
from runtime.origin import going_on_from
from runtime.redaction import told
from storage.database import Database
from storage.outbox import CHANNEL, ORIGIN, OutboxMessage, remove, take
from workers.metrics import HANDED_OVER, KEPT

_log = structlog.get_logger()

_APPLICATION: Final = "duradesk relay"
_BATCH: Final = 200
_PATIENCE: Final = 30.0
_PAUSE: Final = 1.0

Handler = Callable[[Sequence[OutboxMessage]], Awaitable[None]]
"""Hands over all rows of one topic in one go; raises if any of them has to come again."""


class Relay:
    def __init__(self, database: Database, handlers: dict[str, Handler]) -> None:
        self._database = database
        self._handlers = handlers

    async def run(self) -> None:
        """Until cancelled. A database that is away is waited for."""
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError, DeskError) as error:
                _log.warning("relay_interrupted", error=told(error))
                await asyncio.sleep(_PAUSE)

    async def _listen(self) -> None:
        async with self._database.listening(CHANNEL, _APPLICATION) as connection:
            while True:
                await self._drain()
                async for _ in connection.notifies(timeout=_PATIENCE, stop_after=1):
                    pass

    async def _drain(self) -> None:
        """Hands over rows until there are none; pauses when some could not be handed over."""
        while True:
            async with self._database.writing() as writer:
                rows = await take(writer, _BATCH)
                if not rows:
                    return
                done = await self._hand_over(rows)
                await remove(writer, done)
            if len(done) < len(rows):
                await asyncio.sleep(_PAUSE)

    async def _hand_over(self, rows: Sequence[OutboxMessage]) -> list[int]:
        done: list[int] = []
        for topic in dict.fromkeys(row.topic for row in rows):
            of_topic = [row for row in rows if row.topic == topic]
            carrier = of_topic[-1].payload.get(ORIGIN, {})
            try:
                with going_on_from(carrier), tracing.span(f"outbox {topic}", parent=carrier):
                    await self._handlers[topic](of_topic)
            except Exception as error:  # whatever it was, the rows stay and come again
                _log.warning("outbox_row_kept", topic=topic, rows=len(of_topic), error=told(error))
                KEPT.labels(topic).inc(len(of_topic))
            else:
                HANDED_OVER.labels(topic).inc(len(of_topic))
                done += [row.id for row in of_topic]
        return done
