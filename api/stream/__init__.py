"""Live updates: server-sent events of the tickets that the caller may see.

A stream begins with `hello`, then says `ticket` for each that changed, with the policy of lists and details. Its
event ids are the database's time: `Last-Event-ID` brings what happened since, some of it perhaps twice, none of
it never. `reset` means that too much happened to be told, `end` that the token holds no longer. A process that
stops ends its streams without a word. Hearing and handing out is `api/stream/hub.py`'s business.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from api.dependencies import Caller, CurrentDesk
from api.desk import Desk
from api.errors import problems
from api.stream.hub import PENDING, Hub, Message, Stream
from api.ticket.access import ticket_for
from domain.account import Principal
from domain.authorization import ticket_visibility
from domain.errors import DeskError, Invalid
from storage.account import tokens
from storage.ticket import live

router = APIRouter(tags=["stream"])

HEARTBEAT: Final = timedelta(seconds=15)
RECHECK: Final = timedelta(seconds=5)
"""How soon a stream ends whose token was revoked, and learns of other teams and roles."""

RESUMABLE: Final = timedelta(days=1)
_SLOWEST: Final = timedelta(seconds=30)
_RETRY_MS: Final = 2_000


class StreamQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    ticket: Annotated[list[UUID], Field(max_length=100)] = []


@router.get("/stream", response_class=EventSourceResponse, responses=problems(404, 429))
async def stream_changes(
    request: Request,
    query: Annotated[StreamQuery, Query()],
    desk: CurrentDesk,
    caller: Caller,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> EventSourceResponse:
    """Server-sent events: each change of a ticket that the caller may see, or of the tickets named by `ticket`."""
    ticket_visibility(caller)
    since = None if last_event_id is None else _instant(last_event_id)
    if query.ticket:
        async with desk.database.reading() as reader:
            for ticket_id in query.ticket:
                await ticket_for(reader, caller, ticket_id, "ticket.read")
    stream = Stream(caller, frozenset(query.ticket) or None)
    hub: Hub = request.app.state.hub
    events = _events(desk, hub, stream, request.headers["authorization"].split(" ", 1)[1], since)
    return _Followed(await anext(events), events)  # a refusal is an answer of its own


class _Followed(EventSourceResponse):
    """Leaves the hub when the answer ends, wherever it was interrupted, and not when memory is cleaned up."""

    def __init__(self, first: ServerSentEvent, events: AsyncGenerator[ServerSentEvent]) -> None:
        ping, slowest = HEARTBEAT.total_seconds(), _SLOWEST.total_seconds()
        super().__init__(_beginning_with(first, events), ping=ping, send_timeout=slowest, sep="\n")
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events):
            await super().__call__(scope, receive, send)


async def _beginning_with(
    first: ServerSentEvent, events: AsyncIterator[ServerSentEvent]
) -> AsyncIterator[ServerSentEvent]:
    yield first
    async for event in events:
        yield event


async def _events(
    desk: Desk, hub: Hub, stream: Stream, secret: str, since: datetime | None
) -> AsyncGenerator[ServerSentEvent]:
    async with hub.joined(stream):
        async with desk.database.reading() as reader:
            now = await live.clock(reader)
        yield _event("hello", now, {"at": now.isoformat()})
        if since is not None:
            async for event in _missed(desk, stream, since, now):
                yield event
        checked = now
        while not stream.ended:
            for message in await stream.take(RECHECK.total_seconds()):
                yield _event("ticket", message.at, stream.shown(message))
            if stream.lost:
                stream.lost = False
                yield _event("reset", None, {"reason": "too_many_changes"})
            if datetime.now(UTC) - checked >= RECHECK:
                checked = datetime.now(UTC)
                caller = await _still(desk, secret, stream.caller)
                if caller is None:
                    yield _event("end", None, {"reason": "token_invalid"})
                    return
                stream.caller = caller


async def _missed(
    desk: Desk, stream: Stream, since: datetime, now: datetime
) -> AsyncIterator[ServerSentEvent]:
    """What has changed since the last event that the client knows."""
    changes = None
    if since > now - RESUMABLE:
        async with desk.database.reading() as reader:
            visible, only = ticket_visibility(stream.caller), stream.only
            changes = await live.changed_since(
                reader, visible, since - live.OVERLAP, PENDING, None if only is None else list(only)
            )
    if changes is None:
        yield _event("reset", now, {"reason": "too_many_changes"})
        return
    for change in changes:
        yield _event("ticket", now, stream.shown(Message(now, change, ())))


async def _still(desk: Desk, secret: str, known: Principal) -> Principal | None:
    """The caller as they are now, None when the token holds no longer; as before while the database is away."""
    try:
        async with desk.database.reading() as reader:
            caller = await tokens.authenticate_token(reader, secret)
        if caller is not None:
            ticket_visibility(caller)
    except DeskError as error:
        return known if error.retryable else None
    return caller


def _event(kind: str, at: datetime | None, data: dict[str, Any]) -> ServerSentEvent:
    event_id = None if at is None else at.astimezone(UTC).isoformat()
    retry = _RETRY_MS if kind == "hello" else None
    return ServerSentEvent(orjson.dumps(data).decode(), event=kind, id=event_id, retry=retry, sep="\n")


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None or not 1970 < at.year < 9000:
            raise ValueError
        return at.astimezone(UTC)
    except ValueError:
        raise Invalid(
            "invalid_cursor", "This is not the id of an event of this stream.", field="Last-Event-ID"
        ) from None
