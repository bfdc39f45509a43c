"""Reading a desk of many tickets over HTTP: lists, search, one ticket, statistics, and how each grows.

One client, one request after the other, each with other words, people and months than the one before, against
the whole desk as `duradesk up` starts it.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID

import psycopg

from benchmarks import vocabulary
from benchmarks.desk import PASSWORD, BenchDesk, running_desk
from benchmarks.figures import Goal, Section, Table, percentile
from benchmarks.population import AGENTS, TEAMS, People, populate
from benchmarks.wire import Connection

REQUESTS: Final = 60
WARM_UP: Final = 5
PAGE: Final = 25
_SEED: Final = 11
_ABOUT: Final = (
    "Every number is milliseconds of one HTTP request, answered in full with the names of people and teams; {requests} "
    "requests of each kind in a row by one client, after {warm_up} that are not counted. Half of the tickets are in "
    "Chinese, half in English, over two years; two in a hundred are active; a word of the searches stands in 0.1 % "
    "to a third of all tickets. *growth* is the p50 at the largest size over that at the smallest."
)

Path = Callable[[Random], str]


@dataclass(frozen=True, slots=True)
class Read:
    """A kind of request. `as_agent`: by an agent of one team of twenty, else by an administrator, who sees all."""

    name: str
    path: Path
    goal: float
    as_agent: bool = False


@dataclass
class Filled:
    """A desk with tickets in it, and what the requests are made of."""

    tickets: Sequence[UUID]
    agents: Sequence[str]
    deep: str
    times: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    size: str = ""


async def measure(sizes: Sequence[int]) -> Section:
    """Fills a desk to each of `sizes` in turn and reads it."""
    results: dict[int, Filled] = {}
    async with running_desk(agents=0) as desk:
        people = await _staff(desk)
        for size in sizes:
            results[size] = await _at(desk, people, size)
    return _section(results)


async def _staff(desk: BenchDesk) -> People:
    """Twenty teams of ten agents, the first of whom can sign in."""
    desk.admin_token = await desk.sign_in("admin@desk.localhost")
    teams, agents = [], []
    async with desk.connection(desk.admin_token) as admin:
        for number in range(TEAMS):
            teams.append((await admin.post("/api/v1/teams", {"name": f"Team {number}"})).expect(201)["id"])
        for number in range(AGENTS):
            person = {
                "email": f"agent{number}@desk.example",
                "name": f"Agent {number}",
                "roles": ["agent"],
                "teams": [f"Team {number % TEAMS}"],
                **({} if number else {"password": PASSWORD}),
            }
            agents.append((await admin.post("/api/v1/people", person)).expect(201)["id"])
    desk.agent_token = await desk.sign_in("agent0@desk.example")
    return People([UUID(one) for one in teams], [UUID(one) for one in agents])


async def _at(desk: BenchDesk, people: People, size: int) -> Filled:
    url = desk.database_url()
    began = time.monotonic()
    await asyncio.to_thread(_fill, url, people, size)
    seconds = time.monotonic() - began
    with psycopg.connect(url) as connection:
        some = connection.execute("SELECT id FROM tickets ORDER BY md5(id::text) LIMIT 500").fetchall()
        on_disk: Any = connection.execute("SELECT pg_size_pretty(pg_database_size(current_database()))")
        disk = on_disk.fetchone()[0]
    async with desk.connection(desk.admin_token) as admin, desk.connection(desk.agent_token) as agent:
        deep = await _page_200(admin)
        filled = Filled(
            [row[0] for row in some], [str(one) for one in people.agents], deep, seconds=seconds, size=disk
        )
        for read in _reads(filled):
            filled.times[read.name] = await _timed(agent if read.as_agent else admin, read.path)
    return filled


def _fill(url: str, people: People, size: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE tickets CASCADE")
    populate(url, people, 0, size, of=size)


async def _page_200(admin: Connection) -> str:
    """The path of page 200 of all tickets by priority, to which there is no way but through the pages before."""
    path = f"/api/v1/tickets?sort=priority&page[size]={100}"
    for _ in range(199 * PAGE // 100):
        path = (await admin.get(path)).expect(200)["links"]["next"]
    for _ in range(199 * PAGE % 100 // PAGE):
        path = (await admin.get(path.replace("5D=100", f"5D={PAGE}"))).expect(200)["links"]["next"]
    return path.replace("5D=100", f"5D={PAGE}")


async def _timed(connection: Connection, path: Path) -> list[float]:
    random, times = Random(_SEED), []
    for number in range(WARM_UP + REQUESTS):
        wanted = path(random)
        began = time.perf_counter()
        (await connection.get(wanted)).expect(200)
        if number >= WARM_UP:
            times.append((time.perf_counter() - began) * 1000)
    return times


def _reads(filled: Filled) -> list[Read]:
    tickets = "/api/v1/tickets"

    def listed(**parameters: str) -> Path:
        return lambda _: f"{tickets}?{urlencode(parameters)}"

    def searched(words: Callable[[Random], str], more: str = "") -> Path:
        return lambda random: f"{tickets}?q={quote(words(random))}{more}"

    return [
        Read("newest", listed(), 15),
        Read("open by priority, first page", listed(status="open", sort="priority"), 15),
        Read("all by priority, page 200", lambda _: filled.deep, 15),
        Read("assigned to X", lambda random: f"{tickets}?assignee={random.choice(filled.agents)}", 15),
        Read("what an agent sees", listed(), 15, as_agent=True),
        Read("active ones an agent sees, by priority", listed(q="status:active", sort="priority"), 15, True),
        Read("one ticket", lambda random: f"{tickets}/{random.choice(filled.tickets)}", 15),
        Read("two English words", searched(_english), 60),
        Read("two Chinese words", searched(_chinese), 60),
        Read("a code", searched(vocabulary.code), 60),
        Read("two English words, what an agent sees", searched(_english), 60, True),
        Read("two Chinese words, by relevance", searched(_chinese, "&sort=relevance"), 60),
        Read("statistics of a month", lambda random: f"{tickets}/statistics?{_month(random)}", 300),
    ]


def _english(random: Random) -> str:
    thing, other = random.choice(vocabulary.ENGLISH_THINGS), random.choice(vocabulary.ENGLISH_TROUBLES)
    return f"{thing} {other.split()[-1]}"


def _chinese(random: Random) -> str:
    return f"{random.choice(vocabulary.CHINESE_THINGS)} {random.choice(vocabulary.CHINESE_TROUBLES)[:4]}"


def _month(random: Random) -> str:
    end = datetime.now(UTC) - timedelta(days=30 * random.randrange(20))
    start = end - timedelta(days=30)
    return urlencode({"created_after": start.isoformat(), "created_before": end.isoformat()})


def _section(results: dict[int, Filled]) -> Section:
    sizes = sorted(results)
    smallest, largest = results[sizes[0]], results[sizes[-1]]
    rows = []
    for read in _reads(largest):
        figures: list[object] = [read.name + (" (agent)" if read.as_agent else "")]
        for size in sizes:
            times = results[size].times[read.name]
            figures += [percentile(times, 0.5), percentile(times, 0.99)]
        ratio = percentile(largest.times[read.name], 0.5) / percentile(smallest.times[read.name], 0.5)
        rows.append([*figures, f"× {ratio:.1f}"])
    head = ["", *(f"{size:,} {share}" for size in sizes for share in ("p50", "p99")), "growth"]
    about = _ABOUT.format(requests=REQUESTS, warm_up=WARM_UP)
    section = Section("Reads", about, [Table(head, rows)])
    section.goals = [
        Goal(f"{read.name}, p50", percentile(largest.times[read.name], 0.5), at_most=read.goal, unit="ms")
        for read in _reads(largest)
    ]
    section.notes = [
        f"{size:,} tickets with their comments and indexes take {filled.size} and were made in "
        f"{filled.seconds:.0f} s."
        for size, filled in sorted(results.items())
    ]
    return section
