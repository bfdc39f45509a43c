"""One for each API process: hears what the database notifies and hands it to the streams of this process.

It listens on a connection of its own while there are streams, and not otherwise. After a lost connection it looks up
what changed meanwhile. A stream keeps for each ticket only the newest that it has not sent yet, and beyond
`PENDING` tickets only that it lost count, so a client that reads slowly costs little and bounds nobody else.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog

from api.ticket.access import shown_to
from domain.account import Principal
from domain.authorization import Visibility, may, ticket_visibility
from domain.errors import DeskError, Throttled, Unavailable
from storage.database import Database
from storage.ticket import live
from storage.ticket.live import Changed, Commit

_log = structlog.get_logger()

PENDING: Final = 500
"""Tickets that a stream remembers unsent."""

STREAMS: Final = 20
"""Streams of one person in one process."""

APPLICATION: Final = "duradesk stream"
"""What the listening connection is called in the database's list of them."""

_EVERYTHING: Final = Visibility(everything=True, person_id=UUID(int=0))
_GATHER: Final = 0.03
_QUIET: Final = 10.0
_AGAIN_AFTER: Final = 1.0
_READY_WITHIN: Final = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """A change of a ticket as one person may see it; `at` is what a stream goes on from."""

    at: datetime
    change: Changed
    events: tuple[str, ...]


@dataclass(eq=False)
class Stream:
    """What one client waits for. `only`: these tickets, else all that the person sees."""

    caller: Principal
    only: frozenset[UUID] | None = None
    lost: bool = False
    ended: bool = False
    _pending: dict[UUID, Message] = field(default_factory=dict)
    _ready: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, change: Changed, at: datetime) -> None:
        """Keeps the change to be sent, if it is for this client."""
        ticket_id = change.ticket.id
        if self.only is not None and ticket_id not in self.only:
            return
        if not ticket_visibility(self.caller).covers(change.facts):
            return
        internal = may(self.caller, "ticket.internal", change.facts)
        before = self._pending.pop(ticket_id, None)
        events = (*(before.events if before else ()), *change.events_for(internal=internal))
        self._pending[ticket_id] = Message(at, change, tuple(dict.fromkeys(events)))
        if len(self._pending) > PENDING:
            self.lose_count()
        self._ready.set()

    def lose_count(self) -> None:
        """Too much happened to be told one by one."""
        self._pending.clear()
        self.lost = True
        self._ready.set()

    def end(self) -> None:
        """What is pending is still sent, then no more."""
        self.ended = True
        self._ready.set()

    async def take(self, timeout_seconds: float) -> list[Message]:
        """What has come, or nothing after so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ready.wait(), timeout_seconds)
        self._ready.clear()
        taken, self._pending = list(self._pending.values()), {}
        return taken

    def shown(self, message: Message) -> dict[str, Any]:
        """A ticket as lists need it; the rest is at its own address."""
        ticket = shown_to(self.caller, message.change.ticket)
        fields = {"id", "number", "version", "subject", "status", "priority", "category", "kind", "tier"}
        times = {"assignee", "team", "requester", "breached", "created_at", "updated_at"}
        return {**ticket.model_dump(mode="json", include=fields | times), "events": list(message.events)}


class Hub:
    """What is notified in `database`, for the streams that have joined."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._streams: set[Stream] = set()
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()
        self._known: datetime | None = None
        self._ending = False

    def end(self) -> None:
        """Ends all streams as complete answers, and those that still come: this process is stopping."""
        self._ending = True
        for stream in self._streams:
            stream.end()

    @property
    def is_listening(self) -> bool:
        return self._listening.is_set()

    @contextlib.asynccontextmanager
    async def joined(self, stream: Stream) -> AsyncIterator[None]:
        """While `stream` gets what happens. The first one starts the listening, the last one ends it.

        Raises Throttled for too many streams of one person, Unavailable while the database is away.
        """
        own = sum(one.caller.person_id == stream.caller.person_id for one in self._streams)
        if own >= STREAMS:
            raise Throttled("too_many_streams", f"A person has at most {STREAMS} streams.", retry_after=30)
        self._streams.add(stream)
        try:
            if self._task is None:
                self._task = asyncio.create_task(self._run())
            await self._until_listening()
            if self._ending:
                stream.end()
            yield
        finally:
            self._streams.discard(stream)
            if not self._streams:
                await self._stop()

    async def _until_listening(self) -> None:
        try:
            await asyncio.wait_for(self._listening.wait(), _READY_WITHIN)
        except TimeoutError:
            raise Unavailable("database_away", "The database does not answer. Try again soon.") from None

    async def _stop(self) -> None:
        task, self._task = self._task, None
        self._listening.clear()
        if task is not None:
            task.cancel()  # once: whoever left may be interrupted again while this waits
            await asyncio.wait([task])

    async def _run(self) -> None:
        """Until cancelled. A database that is away is waited for."""
        self._known = None
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError, DeskError) as error:
                self._listening.clear()
                _log.warning("stream_interrupted", error=str(error))
                await asyncio.sleep(_AGAIN_AFTER)

    async def _listen(self) -> None:
        async with self._database.listening(live.CHANNEL, APPLICATION) as connection:
            await self._look_back()
            self._listening.set()
            while True:
                if commits := await self._heard(connection):
                    await self._tell(commits)
                else:
                    await connection.execute("SELECT 1")  # is it still there?

    async def _heard(self, connection: psycopg.AsyncConnection[Any]) -> set[Commit]:
        """The commits of a moment; nothing after a quiet while."""
        heard = {one.payload async for one in connection.notifies(timeout=_QUIET, stop_after=1)}
        if heard:
            await asyncio.sleep(_GATHER)  # a burst is one query
            heard |= {one.payload async for one in connection.notifies(timeout=0)}
        return {live.parsed(payload) for payload in heard}

    async def _tell(self, commits: Iterable[Commit]) -> None:
        async with self._database.reading() as reader:
            now = await live.clock(reader)
            changes = await live.changed(reader, commits)
        self._hand_out(changes, now)

    async def _look_back(self) -> None:
        """What was committed while nobody listened, if somebody did before."""
        async with self._database.reading() as reader:
            now = await live.clock(reader)
            if self._known is not None:
                since = self._known - live.OVERLAP
                changes = await live.changed_since(reader, _EVERYTHING, since, PENDING)
                if changes is None:
                    for stream in self._streams:
                        stream.lose_count()
                else:
                    self._hand_out(changes, now)
        self._known = now

    def _hand_out(self, changes: Iterable[Changed], now: datetime) -> None:
        self._known = now
        for change in changes:
            for stream in tuple(self._streams):
                stream.offer(change, now)
