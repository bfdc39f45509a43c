"""Uploads over a real connection, by clients that announce what they do not send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import func, select

from api.desk import Desk
from storage.database import Database
from storage.tables.attachment import AttachmentRow
from tests.api.conftest import MakePerson
from tests.rows import insert_ticket

MIB = 2**20


@dataclass
class Wire:
    """The address of a ticket's attachments, and what an upload to it must leave behind."""

    port: int
    head: str
    folder: Path
    database: Database

    @asynccontextmanager
    async def sending(
        self, *headers: str
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write("\r\n".join([self.head, *headers, "", ""]).encode())
        try:
            async with asyncio.timeout(10):
                yield reader, writer
        finally:
            writer.close()

    async def stored(self) -> tuple[int, int]:
        async with self.database.reading() as reader:
            rows = await reader.scalar(select(func.count()).select_from(AttachmentRow)) or 0
        return sum(path.is_file() for path in self.folder.rglob("*")), rows


@pytest.fixture
async def wire(app: FastAPI, desk: Desk, make_person: MakePerson) -> AsyncIterator[Wire]:
    person = await make_person()
    ticket = await insert_ticket(desk.database, person.person_id)
    config = uvicorn.Config(app, port=0, http="httptools", ws="none", log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn offers nothing to wait for
        await asyncio.sleep(0.01)
    head = (
        f"POST /api/v1/tickets/{ticket}/attachments?name=a.bin HTTP/1.1\r\nHost: desk.test\r\n"
        f"Authorization: {person.headers['Authorization']}\r\nContent-Type: application/octet-stream"
    )
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Wire(port, head, desk.settings.home / "attachments", desk.database)
    server.should_exit = True
    await serving


async def status(reader: asyncio.StreamReader) -> int:
    return int((await reader.readuntil(b"\r\n\r\n")).split()[1])


async def test_an_announced_20_mb_is_refused_before_it_is_sent(wire: Wire) -> None:
    for more in ((), ("Expect: 100-continue",)):
        async with wire.sending(f"Content-Length: {20 * MIB}", *more) as (reader, _):
            assert await status(reader) == 413
    assert await wire.stored() == (0, 0)


async def test_an_unannounced_20_mb_is_refused_while_it_is_sent(wire: Wire) -> None:
    async with wire.sending("Transfer-Encoding: chunked") as (reader, writer):
        answer = asyncio.create_task(status(reader))
        for _ in range(20):
            writer.write(b"100000\r\n" + bytes(MIB) + b"\r\n")
            await writer.drain()
        assert await answer == 413
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    assert await wire.stored() == (0, 0)


async def test_a_body_that_stops_too_soon_leaves_nothing(wire: Wire) -> None:
    for framing, body in (
        ("Content-Length: 5000000", bytes(2 * MIB)),
        ("Transfer-Encoding: chunked", b"10\r\nhello"),
    ):
        async with wire.sending(framing) as (reader, writer):
            writer.write(body)
            await writer.drain()
            writer.write_eof()
            await reader.read()
    async with asyncio.timeout(20):  # the connection may end before what was begun is taken away
        while await wire.stored() != (0, 0):  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0.05)


async def test_bytes_beyond_the_announced_length_are_not_part_of_the_file(wire: Wire) -> None:
    async with wire.sending("Content-Length: 5") as (reader, writer):
        writer.write(b"hello" + b"!" * 100)
        # The rest is no request: its 400 may come before the answer to the upload, and then it is dropped.
        assert await status(reader) in (201, 400)
        await reader.read()
    assert {path.read_bytes() for path in wire.folder.rglob("*") if path.is_file()} <= {b"hello"}


async def test_a_connection_serves_on_after_a_refusal(wire: Wire) -> None:
    async with wire.sending(f"Content-Length: {11 * MIB}") as (reader, writer):
        assert await status(reader) == 413
        writer.write(bytes(11 * MIB))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: desk.test\r\n\r\n")
        await writer.drain()
        await reader.readuntil(b"}")
        assert await status(reader) == 200
