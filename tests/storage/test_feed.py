"""The feed of changed tickets: whatever order transactions commit in, a reader misses nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.authorization import Visibility
from domain.errors import Unavailable
from domain.ticket.filter import Filter, OneOf
from runtime.embedded.postgres import EmbeddedPostgres
from storage.database import Database
from storage.migrate import upgrade
from storage.tables.ticket import TicketRow
from storage.ticket import feed
from tests.storage.world import EVERYTHING, World

BEGINNING = (0, UUID(int=0))


class Copy:
    """Somebody who keeps a copy of all tickets, page by page, a pass at a time."""

    def __init__(self, database: Database, size: int = 3) -> None:
        self.tickets: dict[UUID, str] = {}
        self._database = database
        self._size = size
        self._after = BEGINNING
        self._until: int | None = None
        self._told: set[UUID] = set()

    async def read_page(self) -> bool:
        """Whether that was the end of a pass."""
        async with self._database.reading() as reader:
            if self._until is None:
                self._until, self._told = (await feed.fence(reader)).place, set()
            rows = await feed.changed(reader, EVERYTHING, Filter(), self._after, self._until, self._size)
            for place in rows[: self._size]:
                found = await reader.scalar(
                    text("SELECT subject FROM tickets WHERE id = :id").bindparams(id=place[1])
                )
                self.tickets[place[1]] = str(found)
                assert place[1] not in self._told, "a ticket is told once in a pass"
                self._told.add(place[1])
                self._after = place
        if len(rows) > self._size:
            return False
        self._after, self._until = (self._until, UUID(int=0)), None
        return True

    async def read_on(self) -> None:
        while not await self.read_page():
            pass


async def subjects(database: Database) -> dict[UUID, str]:
    async with database.reading() as reader:
        rows = (await reader.execute(text("SELECT id, subject FROM tickets"))).all()
    return {row.id: row.subject for row in rows}


class Writers:
    """Transactions that are open at the same time, each writing tickets that no other one has locked."""

    def __init__(self, world: World, connections: list[AsyncConnection], tickets: list[UUID]) -> None:
        self._world = world
        self._connections = connections
        self._tickets = tickets
        self._held: dict[UUID, int] = {}
        self._count = 0

    async def step(self, chance: Random) -> None:
        who = chance.randrange(len(self._connections))
        if chance.random() < 0.4:
            await self.end(who, commits=chance.random() < 0.8)
            return
        ticket = chance.choice(self._tickets)
        if self._held.setdefault(ticket, who) == who:
            self._count += 1
            changed = update(TicketRow).where(TicketRow.id == ticket).values(subject=f"{self._count}")
            await self._connections[who].execute(changed)

    async def end(self, who: int, *, commits: bool = True) -> None:
        connection = self._connections[who]
        await (connection.commit() if commits else connection.rollback())
        self._held = {ticket: holder for ticket, holder in self._held.items() if holder != who}


@pytest.fixture
async def connections(database: Database) -> AsyncIterator[list[AsyncConnection]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(database.engine.connect()) for _ in range(4)]


@pytest.mark.parametrize("seed", range(12))
async def test_in_whatever_order_transactions_end_a_copy_misses_no_change(
    world: World, connections: list[AsyncConnection], seed: int
) -> None:
    chance = Random(seed)
    tickets = [await world.insert() for _ in range(8)]
    writers, copy = Writers(world, connections, tickets), Copy(world.database)
    for _ in range(60):
        await writers.step(chance)
        if chance.random() < 0.5:
            await copy.read_page()
    for who in range(len(connections)):
        await writers.end(who)
    await copy.read_on()
    await copy.read_on()
    assert copy.tickets == await subjects(world.database)


async def test_a_change_that_commits_after_a_later_one_is_told(
    world: World, connections: list[AsyncConnection]
) -> None:
    early, late = [await world.insert() for _ in range(2)]
    copy = Copy(world.database)
    await copy.read_on()
    change = update(TicketRow).values(subject="changed")
    await connections[0].execute(change.where(TicketRow.id == early))
    await connections[1].execute(change.where(TicketRow.id == late))
    await connections[1].commit()
    await copy.read_on()
    assert copy.tickets[late] != "changed"
    await connections[0].commit()
    await copy.read_on()
    assert copy.tickets == {early: "changed", late: "changed"}


async def test_a_copy_keeps_up_with_writers_that_never_pause(world: World) -> None:
    tickets = [await world.insert() for _ in range(20)]
    stop = asyncio.Event()

    async def write(seed: int) -> int:
        chance, count = Random(seed), 0
        while not stop.is_set():
            async with world.database.writing() as writer:
                for ticket in sorted(chance.sample(tickets, 2)):
                    count += 1
                    changed = update(TicketRow).where(TicketRow.id == ticket)
                    await writer.execute(changed.values(subject=f"{seed}-{count}"))
        return count

    copy = Copy(world.database)
    writing = [asyncio.create_task(write(seed)) for seed in range(6)]
    for _ in range(30):
        await copy.read_on()  # comes to an end although there is always more
    stop.set()
    assert sum(await asyncio.gather(*writing)) > 100
    await copy.read_on()
    assert copy.tickets == await subjects(world.database)


async def test_the_feed_tells_what_the_reader_may_see_and_asks_for(world: World) -> None:
    own = await world.insert(team_id=world.teams[0], status="assigned")
    await world.insert(team_id=world.teams[1], status="assigned")
    await world.insert(team_id=world.teams[0], status="closed")
    agent = Visibility(False, world.agent, works=True, team_ids=frozenset({world.teams[0]}))
    wanted = Filter((OneOf("status", ("assigned",)),))
    async with world.database.reading() as reader:
        until = (await feed.fence(reader)).place
        rows = await feed.changed(reader, agent, wanted, None, until, 10)
    assert [ticket_id for _, ticket_id in rows] == [own]


async def test_a_database_that_moved_begins_a_new_generation_behind_all_it_holds(
    postgres_server: EmbeddedPostgres,
) -> None:
    postgres_server.create_database("moved")
    url = postgres_server.url("moved")
    upgrade(url)
    database = Database(url, pool_size=1)
    person = (
        "INSERT INTO people (id, email, name, roles) VALUES (gen_random_uuid(), 'a@b.example', 'A', '{}')"
    )
    ticket = """
        INSERT INTO tickets (id, version, fingerprint, subject, description, status, priority, rank,
            requested_priority, channel, tier, requester_id, created_at, updated_at)
        SELECT gen_random_uuid(), 1, '', 's', 'd', 'open', 'normal', 3, 'normal', 'api', 1, id, now(), now()
        FROM people
    """
    try:
        async with database.reading() as reader:
            before = await feed.fence(reader)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(person)
            # As if a cluster that is far ahead had written the ticket.
            connection.execute("UPDATE feeds SET shift = 1000000")
            connection.execute(ticket)
            connection.execute("UPDATE feeds SET shift = 0, cluster = 'another'")
        async with database.reading() as reader:
            with pytest.raises(Unavailable, match="migrate"):
                await feed.fence(reader)
        upgrade(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(ticket)
        async with database.reading() as reader:
            after = await feed.fence(reader)
            rows = await feed.changed(reader, EVERYTHING, Filter(), None, after.place, 10)
        assert before.generation is not None
        assert after.generation not in (None, before.generation)
        assert len(rows) == 2
        assert rows[1][0] > rows[0][0] > 1_000_000
        upgrade(url)
        async with database.reading() as reader:
            assert (await feed.fence(reader)).generation == after.generation
    finally:
        await database.close()
