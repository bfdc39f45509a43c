"""A database that does not answer is waited for only so long, and used again when it is back."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from time import monotonic
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from domain.errors import Unavailable
from runtime.settings import SettingError
from storage.database import Database


@pytest.fixture
async def impatient(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url, pool_size=1, patience=timedelta(seconds=1))
    yield database
    await database.close()


async def test_a_suspended_server_is_given_up_and_another_connection_made(impatient: Database) -> None:
    async with impatient.reading() as reader:
        backend = (await reader.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    os.kill(backend, signal.SIGSTOP)
    try:
        started = monotonic()
        with pytest.raises(Unavailable):
            async with impatient.writing() as writer:
                await writer.execute(text("SELECT 1"))
        assert monotonic() - started < 10
        async with impatient.reading() as reader:
            assert (await reader.execute(text("SELECT pg_backend_pid()"))).scalar_one() != backend
    finally:
        os.kill(backend, signal.SIGCONT)


async def test_the_server_stops_what_is_no_longer_waited_for(impatient: Database, database: Database) -> None:
    with pytest.raises(Unavailable):
        async with impatient.reading() as reader:
            await reader.execute(text("SELECT 'forgotten', pg_sleep(600)"))
    others = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE state = 'active' AND query LIKE '%forgotten%' AND pid <> pg_backend_pid()"
    )
    async with asyncio.timeout(30), database.reading() as reader:
        while (await reader.execute(others)).scalar_one():  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0.05)


async def test_a_lock_held_by_a_process_that_stands_still_is_let_go(
    impatient: Database, postgres_url: str
) -> None:
    async def stand_still() -> None:
        async with impatient.writing() as writer:
            await writer.execute(text("SELECT pg_advisory_xact_lock(4711)"))
            # Nothing else runs in this process until the other one has the lock.
            with psycopg.connect(postgres_url, options="-c lock_timeout=30s") as other:
                other.execute("SELECT pg_advisory_xact_lock(4711)")

    with pytest.raises(Unavailable):
        await stand_still()


async def test_a_pool_without_a_free_connection_is_waited_for_only_so_long(impatient: Database) -> None:
    async with impatient.reading() as first, impatient.reading() as second:
        assert first is not second
        with pytest.raises(Unavailable):
            async with impatient.reading():
                raise AssertionError


async def test_who_stops_listening_hangs_up_however_often_that_is_interrupted(database: Database) -> None:
    hears = asyncio.Event()

    async def listen() -> None:
        async with database.listening("tests", "duradesk tests") as connection:
            hears.set()
            async for _ in connection.notifies():
                pass

    listener = asyncio.create_task(listen())
    await hears.wait()
    while not listener.done():
        listener.cancel()
        await asyncio.sleep(0)
    gc.collect()
    listening = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'duradesk tests'")
    async with asyncio.timeout(30), database.reading() as reader:
        while (await reader.execute(listening)).scalar_one():  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0.05)


async def test_a_snapshot_sees_nothing_that_came_after_its_first_query(database: Database) -> None:
    count, add = (
        text("SELECT count(*) FROM teams"),
        text("INSERT INTO teams (id, name) VALUES (:id, 'Storage')"),
    )
    async with database.snapshot() as reader:
        assert (await reader.execute(count)).scalar_one() == 0
        async with database.writing() as writer:
            await writer.execute(add, {"id": uuid4()})
        assert (await reader.execute(count)).scalar_one() == 0
    async with database.reading() as reader:
        assert (await reader.execute(count)).scalar_one() == 1


@pytest.mark.parametrize(
    "url",
    ["postgresql://desk:secret@db/desk?colour=red", "postgresql://desk:secret@db:x/desk", "mysql://secret"],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingError, match=r"^DURADESK_DATABASE_URL: [^\n]+$") as wrong:
        Database(url)
    assert "secret" not in str(wrong.value)
