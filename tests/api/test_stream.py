"""The live stream through a real server: who is told what, and that nothing is lost on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.app import create_app
from api.desk import Desk
from api.stream.hub import APPLICATION, PENDING, STREAMS, Hub, Stream
from domain.account import Principal, Role
from domain.authorization import TicketFacts, Visibility
from domain.ticket.filter import Filter
from storage.database import Database
from storage.ticket import live
from storage.ticket.find import find
from storage.ticket.listing import sorting
from tests.api.conftest import Api, MakePerson, served
from tests.api.work import working
from tests.rows import insert_ticket

PATH = "/api/v1/stream"


class Listener:
    """A client that reads a stream; `events` are (kind, data), `last_id` the last event id."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()
        self.last_id = ""

    async def next(self, within: float = 20.0) -> tuple[str, dict[str, Any]]:
        return await asyncio.wait_for(self._next(), within)

    async def _next(self) -> tuple[str, dict[str, Any]]:
        kind, data = "", ""
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                data += value
            elif name == "id":
                self.last_id = value
            elif not line and kind:
                return kind, orjson.loads(data)
        return "closed", {}

    async def until(self, kind: str, check: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            found, data = await self.next()
            assert found != "closed"
            if found == kind and check(data):
                return data


@asynccontextmanager
async def listening(address: str, api: Api, last_id: str = "", **query: Any) -> AsyncIterator[Listener]:
    headers = {"Authorization": api.headers["Authorization"]}
    if last_id:
        headers["Last-Event-ID"] = last_id
    async with (
        httpx.AsyncClient(base_url=address, timeout=30) as client,
        client.stream("GET", PATH, headers=headers, params=query) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        listener = Listener(answer)
        assert (await listener.next())[0] == "hello"
        yield listener


async def touch(database: Database, ticket_id: UUID, *, told: bool = True) -> None:
    """A commit of a ticket's process, as far as streams see it; not `told`: the notification went to nobody."""
    async with database.writing() as writer:
        statement = (
            "UPDATE tickets SET version = version + 1, changed_at = now() WHERE id = :id RETURNING version"
        )
        version = await writer.scalar(text(statement), {"id": ticket_id})
        if told:
            payload = {"channel": live.CHANNEL, "payload": f"{ticket_id}:{version}"}
            await writer.execute(text("SELECT pg_notify(:channel, :payload)"), payload)


async def test_a_change_is_told_to_those_who_may_see_it(
    desk: Desk, address: str, admin: Api, make_person: MakePerson
) -> None:
    asker, stranger = await make_person("requester"), await make_person("requester")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(working(desk))
        staff, own, other = [
            await stack.enter_async_context(listening(address, api)) for api in (admin, asker, stranger)
        ]
        body = {"subject": "磁盘满了", "description": "E1024"}
        ticket = (await asker.post("/api/v1/tickets", json=body)).json()
        for listener in (staff, own):
            opened = await listener.until("ticket", lambda data: data["id"] == ticket["id"])
            assert (opened["subject"], opened["status"]) == ("磁盘满了", "open")
            assert "opened" in opened["events"]
        act = f"/api/v1/tickets/{ticket['id']}/actions"
        assert (await admin.post(f"{act}/note", json={"body": "hm"})).status_code == 200
        noted = await staff.until("ticket", lambda data: data["version"] == 2)
        assert "noted" in noted["events"]
        assert (await admin.post(f"{act}/reply", json={"body": "hello"})).status_code == 200
        replied = await own.until("ticket", lambda data: data["version"] == 3)
        assert "noted" not in replied["events"]
        assert replied["requester"].get("email") is None
        with pytest.raises(TimeoutError):
            await other.next(within=0.5)


async def test_a_stream_goes_on_where_it_was_interrupted_also_at_another_process(
    desk: Desk, address: str, admin: Api
) -> None:
    ids = [await insert_ticket(desk.database, admin.person_id) for _ in range(3)]
    async with listening(address, admin) as listener:
        await touch(desk.database, ids[0])
        assert (await listener.next())[1]["id"] == str(ids[0])
        known = listener.last_id
    await touch(desk.database, ids[1])
    await touch(desk.database, ids[2], told=False)
    async with served(create_app(desk)) as other, listening(other, admin, known) as listener:
        missed = {(await listener.next())[1]["id"] for _ in range(2)}
        while str(ids[2]) not in missed:
            missed.add((await listener.next())[1]["id"])
        assert {str(one) for one in ids[1:]} <= missed


async def test_many_streams_that_come_and_go_lose_nothing(desk: Desk, address: str, admin: Api) -> None:
    ids = [await insert_ticket(desk.database, admin.person_id) for _ in range(40)]

    async def follow(stop_after: int) -> set[str]:
        """Hangs up after every few events and comes again."""
        heard: set[str] = set()
        last_id = start
        while len(heard) < len(ids):
            async with listening(address, admin, last_id) as listener:
                for _ in range(stop_after):
                    kind, data = await listener.next()
                    assert kind == "ticket"
                    heard.add(data["id"])
                    last_id = listener.last_id
                    if len(heard) == len(ids):
                        break
        return heard

    async with listening(address, admin) as listener:
        start = listener.last_id
    followers = [asyncio.create_task(follow(50 + count)) for count in range(4)]
    for ticket_id in ids:
        await touch(desk.database, ticket_id)
    for follower in followers:
        assert await asyncio.wait_for(follower, 60) == {str(one) for one in ids}


async def test_what_changes_while_the_database_is_away_is_told_afterwards(
    desk: Desk, address: str, admin: Api
) -> None:
    ticket_id = await insert_ticket(desk.database, admin.person_id)
    async with listening(address, admin) as listener:
        await touch(desk.database, ticket_id)
        assert (await listener.next())[1]["version"] == 2
        async with desk.database.writing() as writer:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"
            await writer.execute(text(cut), {"name": APPLICATION})
        await touch(desk.database, ticket_id, told=False)
        await listener.until("ticket", lambda data: data["version"] == 3)


async def test_a_revoked_token_ends_the_stream(desk: Desk, address: str, make_person: MakePerson) -> None:
    person = await make_person("agent")
    async with listening(address, person) as listener:
        async with desk.database.writing() as writer:
            await writer.execute(text("UPDATE tokens SET revoked_at = now()"))
        assert await listener.next() == ("end", {"reason": "token_invalid"})
        assert (await listener.next())[0] == "closed"


async def test_some_tickets_can_be_followed_alone(
    desk: Desk, address: str, admin: Api, make_person: MakePerson
) -> None:
    one, other = [await insert_ticket(desk.database, admin.person_id) for _ in range(2)]
    async with listening(address, admin, ticket=str(one)) as listener:
        await touch(desk.database, other)
        await touch(desk.database, one)
        assert (await listener.next())[1]["id"] == str(one)
    stranger = await make_person("requester")
    assert (await stranger.get(PATH, params={"ticket": str(one)})).status_code == 404


async def test_streams_are_refused_with_a_reason(address: str, client: Api, admin: Api) -> None:
    assert (await client.get(PATH)).status_code == 401
    for last_id in ("yesterday", "2026-11-21T00:00:00", "0001-01-01T00:00:00Z", "7"):
        refused = await admin.get(PATH, headers={"Last-Event-ID": last_id})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_cursor"), last_id
    assert (await admin.get(PATH, params={"ticket": "x"})).status_code == 422
    assert (await admin.get(PATH, params={"q": "x"})).status_code == 422
    async with AsyncExitStack() as stack:
        for _ in range(STREAMS):
            await stack.enter_async_context(listening(address, admin))
        refused = await admin.get(PATH)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")


async def test_an_old_event_id_is_answered_by_a_reset(desk: Desk, address: str, admin: Api) -> None:
    old = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    async with listening(address, admin, old) as listener:
        assert (await listener.next())[0] == "reset"


async def test_nobody_listens_to_the_database_when_nobody_streams(
    desk: Desk, app: FastAPI, address: str, admin: Api
) -> None:
    hub: Hub = app.state.hub
    async with listening(address, admin):
        assert hub.is_listening
    for _ in range(200):
        if not hub.is_listening:
            break
        await asyncio.sleep(0.05)
    assert not hub.is_listening


async def test_a_client_that_does_not_read_loses_count_and_little_memory(
    database: Database, admin: Api
) -> None:
    await insert_ticket(database, admin.person_id)
    async with database.reading() as reader:
        ((ticket, _),) = await find(
            reader, Visibility(True, admin.person_id), Filter(), sorting("-created_at"), None, 5
        )
    stream = Stream(Principal(admin.person_id, frozenset({Role.MANAGER})))
    now = datetime.now(UTC)
    for version in range(1000):  # one ticket that changes often is one message
        newer = ticket.model_copy(update={"version": version})
        stream.offer(live.Changed(newer, TicketFacts(admin.person_id), ("replied",)), now)
    (message,) = await stream.take(0)
    assert (message.change.ticket.version, message.events) == (999, ("replied",))
    for _ in range(PENDING + 1):
        other = ticket.model_copy(update={"id": uuid4()})
        stream.offer(live.Changed(other, TicketFacts(admin.person_id)), now)
    assert stream.lost
    assert await stream.take(0) == []
