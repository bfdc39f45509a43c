"""What tests of lists and search share."""

import pytest

from domain.account import Role
from storage.account import teams
from storage.database import Database
from tests.storage.world import World, person


@pytest.fixture
async def world(database: Database) -> World:
    async with database.writing() as writer:
        own = [(await teams.create_team(writer, {"name": name}, [])).id for name in ("East", "West")]
    agent = await person(database, Role.AGENT, teams=own[:1])
    askers = [await person(database, Role.REQUESTER) for _ in range(2)]
    return World(database, agent, own, askers)
