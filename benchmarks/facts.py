"""Facts over HTTP into points and awards, end to end, beside the least that keeps a fact: one INSERT; and leaderboards
of very many members.

A fact is through when it is counted: its points are in the balance, and what it achieves is awarded.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg

from benchmarks.desk import BenchDesk, Block, Call, in_parallel, running_desk
from benchmarks.figures import Goal, Section, Table, percentile
from benchmarks.wire import Connection

CLIENTS: Final = 16
MEMBERS: Final = 300
BATCH: Final = 50
READS: Final = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """Facts sent one by one, in batches of BATCH, and bare; and how many members are ranked."""

    single: int
    batches: int
    ranked: int


PLANS: Final = {"short": Plan(3000, 120, 1_000_000), "long": Plan(12_000, 400, 1_000_000)}

_PEOPLE: Final = """
    INSERT INTO people (id, email, name, roles, tier, skills, languages, capacity, locale, time_zone)
    SELECT id, 'm' || number || '@members.example', 'Member ' || number, '{requester}', 1, '{}', '{}', 20, 'en', 'UTC'
    FROM unnest(%s::uuid[]) WITH ORDINALITY AS made (id, number)
"""
_RANKED: Final = """
    WITH made AS (
        INSERT INTO people (id, email, name, roles, tier, skills, languages, capacity, locale, time_zone)
        SELECT gen_random_uuid(), 'ranked' || number || '@members.example', 'Ranked ' || number, '{requester}', 1,
            '{}', '{}', 20, 'en', 'UTC'
        FROM generate_series(1, %(count)s) AS number
        RETURNING id
    ), members AS (
        INSERT INTO members (person_id, points)
        SELECT id, 1 + floor(20000 * random() ^ 4)::int FROM made
        RETURNING person_id, points
    )
    INSERT INTO member_scores (member_id, span, begin, points)
    SELECT person_id, span, begin, greatest(1, points / share) FROM members, (VALUES
        ('all', date '1970-01-01', 1), ('month', date_trunc('month', now() AT TIME ZONE 'UTC')::date, 10),
        ('week', date_trunc('week', now() AT TIME ZONE 'UTC')::date, 40)
    ) AS spans (span, begin, share)
"""
_COUNTS: Final = """
    INSERT INTO member_score_counts AS known (points, members)
    SELECT points, count(*) FROM members WHERE points > 0 AND listed GROUP BY points
    ON CONFLICT (points) DO UPDATE SET members = excluded.members
"""
_ACHIEVEMENTS: Final = (
    {"metric": "count", "action": "post_created", "operator": ">=", "threshold": 2},
    {"metric": "distinct", "of": "subject", "operator": ">=", "threshold": 3},
    {"metric": "points", "operator": ">=", "threshold": 50},
)


async def measure(size: str) -> Section:
    plan = PLANS[size]
    async with running_desk(agents=1) as desk, AsyncExitStack() as stack:
        members = [uuid4() for _ in range(MEMBERS)]
        add_people(desk, members)
        admin = await stack.enter_async_context(desk.connection(desk.admin_token))
        for number, criteria in enumerate(_ACHIEVEMENTS):
            await activate(admin, f"A{number}", criteria)
        connections = [
            await stack.enter_async_context(desk.connection(desk.admin_token)) for _ in range(CLIENTS)
        ]
        one_by_one = [_teller(connection, members) for connection in connections]
        await in_parallel(one_by_one, CLIENTS * 4)
        await counted(desk)
        single = await _until_counted(desk, one_by_one, plan.single)
        many = [_teller(connection, members, BATCH) for connection in connections]
        batches = await _until_counted(desk, many, plan.batches)
        bare = await _bare(desk, members, plan.single)
        awards = _awards(desk)
        reads = await _reads(desk, plan.ranked, members[0])
    return _section(plan, single, batches, bare, awards, reads)


def add_people(desk: BenchDesk, ids: Sequence[UUID]) -> None:
    """Without the time that hashing their passwords would take."""
    with psycopg.connect(desk.database_url(), autocommit=True) as connection:
        connection.execute(_PEOPLE, [list(ids)])


async def activate(admin: Connection, name: str, criteria: dict[str, Any]) -> str:
    """The id of a new achievement that is awarded."""
    body = {"name": name, "description": name, "criteria": criteria, "reward": {"type": "badge"}}
    made = (await admin.post("/api/v1/achievements", body)).expect(201)
    (await admin.patch(f"/api/v1/achievements/{made['id']}", {"state": "active"})).expect(200)
    return str(made["id"])


def _fact(members: Sequence[UUID], number: int) -> dict[str, Any]:
    action = ("post_created", "comment_added", "accepted_answer")[number % 3]
    member = str(members[number * 7919 % len(members)])
    return {"member": member, "fact_id": uuid4().hex, "action": action, "subject": f"s{number % 97}"}


def _teller(connection: Any, members: Sequence[UUID], batch: int = 1) -> Call:
    async def tell(number: int) -> Any:
        facts = [_fact(members, number * batch + one) for one in range(batch)]
        if batch > 1:
            return (await connection.post("/api/v1/facts", {"facts": facts})).expect(202)
        member = facts[0].pop("member")
        return (await connection.post(f"/api/v1/members/{member}/facts", facts[0])).expect(202)

    return tell


@dataclass(frozen=True, slots=True)
class Through:
    """A block of requests, and the seconds until all their facts were counted."""

    block: Block
    facts: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.facts / self.seconds


async def _until_counted(desk: BenchDesk, clients: Sequence[Call], count: int) -> Through:
    before, began = _facts(desk), time.perf_counter()
    block = await in_parallel(clients, count)
    await counted(desk)
    return Through(block, _facts(desk) - before, time.perf_counter() - began)


async def counted(desk: BenchDesk) -> None:
    """Returns when every fact that came is counted."""
    statement = "SELECT count(*) FROM members WHERE wanted_since IS NOT NULL"
    async with await psycopg.AsyncConnection.connect(desk.database_url(), autocommit=True) as connection:

        async def left() -> int:
            row = await (await connection.execute(statement)).fetchone()
            return 0 if row is None else int(row[0])

        while await left():  # noqa: ASYNC110  a table has no event
            await asyncio.sleep(0.05)


def _facts(desk: BenchDesk) -> int:
    with psycopg.connect(desk.database_url()) as connection:
        row = connection.execute("SELECT count(*) FROM member_facts").fetchone()
    assert row is not None
    return int(row[0])


async def _bare(desk: BenchDesk, members: Sequence[UUID], count: int) -> Block:
    """Rows of the same size in a table with the same key, each in a transaction of its own."""
    async with _bare_clients(desk, members) as clients:
        return await in_parallel(clients, count)


@asynccontextmanager
async def _bare_clients(desk: BenchDesk, members: Sequence[UUID]) -> AsyncIterator[list[Call]]:
    statement = "INSERT INTO bare_facts VALUES (%s, %s, %s, now(), %s)"
    async with AsyncExitStack() as stack:
        with psycopg.connect(desk.database_url(), autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE bare_facts (member uuid, fact_id text, action text, at timestamptz, subject text,"
                " PRIMARY KEY (member, fact_id))"
            )

        async def client() -> Call:
            url = desk.database_url()
            connecting = await psycopg.AsyncConnection.connect(url, autocommit=True)
            connection = await stack.enter_async_context(connecting)

            async def insert(number: int) -> None:
                fact = _fact(members, number)
                await connection.execute(
                    statement, (fact["member"], fact["fact_id"], fact["action"], fact["subject"])
                )

            return insert

        yield [await client() for _ in range(CLIENTS)]


def _awards(desk: BenchDesk) -> tuple[int, int, int]:
    """Awards, different occasions among them, and members whose ledger is not their balance."""
    statement = """
        SELECT (SELECT count(*) FROM awards),
            (SELECT count(DISTINCT (member_id, achievement_id, occurrence)) FROM awards),
            (SELECT count(*) FROM members WHERE points != coalesce(
                (SELECT sum(points) FROM member_points WHERE member_id = person_id), 0))
    """
    with psycopg.connect(desk.database_url()) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


async def _reads(desk: BenchDesk, ranked: int, member: UUID) -> dict[str, Block]:
    with psycopg.connect(desk.database_url(), autocommit=True) as connection:
        connection.execute(_RANKED, {"count": ranked})
        connection.execute(_COUNTS)
        connection.execute("VACUUM ANALYZE")
    found = {}
    async with desk.connection(desk.admin_token) as reader:
        deep = await _deep(reader)
        for name, path in {
            "leaderboard, all time": "/api/v1/leaderboard?limit=50",
            "leaderboard, month": "/api/v1/leaderboard?window=month&limit=50",
            "leaderboard, week, 100": "/api/v1/leaderboard?window=week&limit=100",
            "leaderboard, page 100": deep,
            "one member, with the rank": f"/api/v1/members/{member}",
        }.items():

            async def read(_number: int, path: str = path) -> Any:
                return (await reader.get(path)).expect(200)

            await in_parallel([read], 10)
            found[name] = await in_parallel([read], READS)
    return found


async def _deep(reader: Any) -> str:
    path = "/api/v1/leaderboard?limit=100"
    for _ in range(100):
        path = (await reader.get(path)).expect(200)["links"]["next"]
    return path


def _section(
    plan: Plan,
    single: Through,
    batches: Through,
    bare: Block,
    awards: tuple[int, int, int],
    reads: dict[str, Block],
) -> Section:
    rows = [
        (name, one.facts, one.per_second, *_times(one.block))
        for name, one in (("one a request", single), (f"{BATCH} a request", batches))
    ]
    rows.append(("bare INSERT", len(bare.each), len(bare.each) / bare.together, *_times(bare)))
    made, different, wrong = awards
    board = reads["leaderboard, all time"]
    return Section(
        title="Facts",
        about=f"Facts of {MEMBERS} members over HTTP by {CLIENTS} clients, with {len(_ACHIEVEMENTS)} active "
        "achievements, until every one is counted.",
        tables=[
            Table(("facts", "count", "a second, counted", "request p50 ms", "p95 ms"), rows),
            Table(
                (f"reads, {plan.ranked:,} members", "p50 ms", "p95 ms"),
                [(name, *_times(block)) for name, block in reads.items()],
            ),
        ],
        goals=[
            Goal("facts a second, one a request, end to end", single.per_second, at_least=300),
            Goal("leaderboard p50", percentile(board.each, 0.5) * 1000, at_most=20, unit="ms"),
            Goal("awards given twice", made - different, at_most=0),
            Goal("balances that are not the sum of their ledger", wrong, at_most=0),
        ],
        notes=[f"{made} awards."],
    )


def _times(block: Block) -> tuple[float, float]:
    """Median and 95th percentile, in milliseconds."""
    return percentile(block.each, 0.5) * 1000, percentile(block.each, 0.95) * 1000
