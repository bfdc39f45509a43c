"""Which model guesses: looked up now and then, read once, and nothing is guessed where nothing could be looked up."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from api.guesser import Guesser
from storage.account import teams
from storage.database import Database
from storage.tables.classifier import ClassifierVersionRow
from tests.conftest import free_port
from tests.labelled import a_model, put_to_use

TEXT = ("The disk is full", "磁盘空间不足，无法写入")


async def guessed(guesser: Guesser, database: Database) -> Any:
    return await guesser.guess(database, *TEXT, threshold=0.5, given=[])


async def test_nothing_is_guessed_where_nothing_could_be_looked_up() -> None:
    """Nobody knows which categories the desk has; a guess would name one that it has not."""
    nowhere = Database(f"postgresql://desk@127.0.0.1:{free_port()}/desk")
    try:
        assert await guessed(Guesser(), nowhere) is None
    finally:
        await nowhere.close()


async def test_what_was_looked_up_serves_while_the_database_is_away(database: Database) -> None:
    guesser = Guesser()
    first = await guessed(guesser, database)
    nowhere = Database(f"postgresql://desk@127.0.0.1:{free_port()}/desk")
    try:
        await guesser.look(nowhere)
        assert await guessed(guesser, nowhere) == first
    finally:
        await nowhere.close()


async def test_it_looks_again_after_a_while_and_not_before(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    guesser = Guesser()
    await guessed(guesser, database)
    async with database.writing() as writer:
        await teams.create_team(writer, {"name": "Cars", "categories": ["cars"]}, [])
    assert (await guessed(guesser, database)).category.value == "storage"
    monkeypatch.setattr("api.guesser.LOOK_EVERY", 0.0)
    async with asyncio.timeout(20):
        while (await guessed(guesser, database)).category is not None:  # noqa: ASYNC110  it looks beside us
            await asyncio.sleep(0.01)


async def test_a_model_that_cannot_be_read_is_left_to_the_rule_base(database: Database) -> None:
    guesser = Guesser()
    await put_to_use(database, b"no model")
    assert (await guesser.look(database)).version == 0
    assert (await guesser.look(database)).version == 0
    better = await put_to_use(database, await a_model())
    assert (await guesser.look(database)).version == better


async def test_a_model_that_was_tampered_with_is_not_read(database: Database) -> None:
    guesser = Guesser()
    version = await put_to_use(database, await a_model())
    assert (await guesser.look(database)).version == version
    async with database.writing() as writer:
        await writer.execute(update(ClassifierVersionRow).values(sha256="0" * 64))
    assert (await Guesser().look(database)).model is None
    assert (await guesser.look(database)).model is not None, "what was read before still serves"
