"""Statements that travel together: in order, in the session's transaction, all or nothing."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import bindparam, insert, select, text

from domain.errors import Unavailable
from storage.database import Database, table_of
from storage.pipeline import Statement, pipeline
from storage.tables.account import TeamRow
from storage.tables.outbox import OutboxRow

_TEAMS = table_of(TeamRow)
_ADD = Statement(insert(_TEAMS), ("id", "name", "categories"))
_NAME = Statement(select(_TEAMS.c.name).where(_TEAMS.c.id == bindparam("id")))
_PUT = Statement(insert(table_of(OutboxRow)), ("topic", "key", "payload"))
_PAYLOAD = Statement(select(table_of(OutboxRow).c.payload))
_PID = text("SELECT pg_backend_pid()")


async def _name(database: Database, team_id: UUID) -> str | None:
    async with database.reading() as reader, pipeline(reader) as asking:
        name = asking.ask(_NAME, id=team_id)
    found: str | None = name.scalar()
    return found


async def _ask_nothing(opening: Any) -> None:
    async with opening as session, pipeline(session) as asking:
        asking.ask(_NAME, id=uuid4())


async def test_each_statement_sees_what_those_before_it_did(database: Database) -> None:
    team_id = uuid4()
    async with database.writing() as writer:
        async with pipeline(writer) as asking:
            before = asking.ask(_NAME, id=team_id)
            asking.ask(_ADD, id=team_id, name="网络 Network", categories=["network"])
            after = asking.ask(_NAME, id=team_id)
        assert before.one_or_none() is None
        assert after.scalar() == "网络 Network"
        assert await writer.scalar(select(TeamRow.name).where(TeamRow.id == team_id)) == "网络 Network"
        assert await _name(database, team_id) is None  # not yet committed
    assert await _name(database, team_id) == "网络 Network"


async def test_what_fails_takes_the_whole_transaction_with_it(database: Database) -> None:
    one, other = uuid4(), uuid4()

    async def add_one_twice() -> None:
        async with database.writing() as writer, pipeline(writer) as asking:
            asking.ask(_ADD, id=one, name="one", categories=[])
            asking.ask(_ADD, id=one, name="two", categories=[])
            asking.ask(_ADD, id=other, name="three", categories=[])

    with pytest.raises(psycopg.errors.UniqueViolation):
        await add_one_twice()
    assert (await _name(database, one), await _name(database, other)) == (None, None)


async def test_values_go_out_and_come_back_as_the_columns_have_them(database: Database) -> None:
    payload = {"text": '"quoted" 中文 100 %', "none": None}
    async with database.writing() as writer, pipeline(writer) as asking:
        asking.ask(_PUT, topic="policy", key="k", payload=payload)
    async with database.reading() as reader, pipeline(reader) as asking:
        found = asking.ask(_PAYLOAD)
    assert [row.payload for row in found.rows] == [payload]


def test_a_parameter_that_is_missing_is_an_error_and_not_null() -> None:
    with pytest.raises(KeyError, match="categories"):
        _ADD.parameters({"id": uuid4(), "name": "one"})


async def test_a_connection_that_is_cut_off_on_its_way_answers_nobody_else(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stay in pipeline mode, where a query has no answer, and whoever got it next would fail."""
    monkeypatch.setattr(
        "psycopg.waiting.MAX_BUSY_TIME", 0.0
    )  # the driver lets others run, as in a busy process
    database = Database(postgres_url, pool_size=1)
    try:
        task = asyncio.create_task(_cut_off(database))
        with pytest.raises(asyncio.CancelledError):
            await task
        async with database.writing() as writer:
            assert await writer.scalar(select(7)) == 7
        assert await _name(database, uuid4()) is None
    finally:
        await database.close()


async def _cut_off(database: Database) -> None:
    async with database.writing() as writer:
        await writer.scalar(select(1))
        async with pipeline(writer) as asking:
            asking.ask(_NAME, id=uuid4())
            task = asyncio.current_task()
            assert task is not None
            task.cancel()


@pytest.mark.parametrize("way", [Database.reading, Database.writing])
async def test_after_a_restart_one_answer_is_lost_and_the_whole_pool_recovers(
    postgres_url: str, way: Any
) -> None:
    database = Database(postgres_url)
    try:
        async with database.reading() as one, database.reading() as other:
            pids = [await reader.scalar(_PID) for reader in (one, other)]
        with psycopg.connect(postgres_url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) AS pid", (pids,)
            )
        with pytest.raises(Unavailable):
            await _ask_nothing(way(database))
        assert await _name(database, uuid4()) is None
    finally:
        await database.close()
