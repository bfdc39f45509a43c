"""Reading a desk of many tickets over HTTP: lists, search, one ticket, statistics, and how each grows.

One client, one request after the other, each with other words, people and months than the one before, against
the whole desk as `duradesk up` starts it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import quote, urlencode
from uuid import UUID

import psycopg

from benchmarks import vocabulary
from benchmarks.desk import PASSWORD, BenchDesk, running_desk
from benchmarks.figures import Goal, Section, Table, percentile
from benchmarks.population import AGENTS, FIELDS, TEAMS, People, populate
from benchmarks.wire import Connection

VIEWS: Final = {
    "Active": "status:active",
    "Urgent": "status:active priority:critical,high",
    "Nobody's": "status:active assignee:none",
    "Broken promises": "breached:true",
    "On trial": "status:active field.plan:trial",
}
REQUESTS: Final = 60
WARM_UP: Final = 5
PAGE: Final = 25
_SEED: Final = 11
_DONE: Final = "filled"
"""The file in a filled desk's home that says how many seconds filling took."""
_ABOUT: Final = (
    "Every number is milliseconds of one HTTP request, answered in full with the names of people and teams; {requests} "
    "requests of each kind in a row by one client, after {warm_up} that are not counted. Half of the tickets are in "
    "Chinese, half in English, over two years; two in a hundred are active; a word of the searches stands in 0.1 % "
    "to a third of all tickets. *growth* is the p50 at the largest size over that at the smallest."
)

Route = Callable[[Random], str]


@dataclass(frozen=True, slots=True)
class Read:
    """A kind of request. `as_agent`: by an agent of one team of twenty, else by an administrator, who sees all."""

    name: str
    path: Route
    goal: float
    as_agent: bool = False


@dataclass
class Filled:
    """A desk with tickets in it: what its requests are made of, how long it took, and what it takes on the disk."""

    size: int
    tickets: Sequence[UUID]
    agents: Sequence[str]
    deep: str
    seconds: float
    disk: str
    times: dict[str, list[float]] = field(default_factory=dict)


async def measure(sizes: Sequence[int], keep: Path | None = None) -> AsyncIterator[Section]:
    """Reads desks of each of `sizes`. Those in the folder `keep` are filled the first time and kept."""
    yield _section({size: await _at(size, keep) for size in sizes})


async def fill(sizes: Sequence[int], keep: Path) -> None:
    """Only fills the desks that are not filled."""
    for size in sizes:
        async with filled_desk(size, keep):
            pass


@asynccontextmanager
async def filled_desk(size: int, keep: Path | None) -> AsyncIterator[BenchDesk]:
    """A desk with so many tickets."""
    folder = None if keep is None else keep / str(size)
    async with running_desk(agents=0, keep=folder) as desk:
        desk.admin_token = await desk.sign_in("admin@desk.localhost")
        done = desk.home / _DONE
        if not done.exists():
            began = time.monotonic()
            await asyncio.to_thread(_fill, desk.database_url(), await _staff(desk), size)
            done.write_text(str(time.monotonic() - began))
        desk.agent_token = await desk.sign_in("agent0@desk.example")
        yield desk


async def _staff(desk: BenchDesk) -> People:
    """Twenty teams of ten agents, the first of whom can sign in, with views and custom fields."""
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
        for definition in FIELDS:
            (await admin.post("/api/v1/fields", definition)).expect(201)
        for name, query in VIEWS.items():
            (await admin.post("/api/v1/views", {"name": name, "query": query})).expect(201)
    return People([UUID(one) for one in teams], [UUID(one) for one in agents])


async def _at(size: int, keep: Path | None) -> Filled:
    async with filled_desk(size, keep) as desk:
        some = await asyncio.to_thread(some_tickets, desk.database_url())
        agents, disk = await asyncio.to_thread(_known, desk.database_url())
        seconds = float((desk.home / _DONE).read_text())
        async with desk.connection(desk.admin_token) as admin, desk.connection(desk.agent_token) as agent:
            filled = Filled(size, some, agents, await _page_200(admin), seconds, disk)
            for read in _reads(filled):
                filled.times[read.name] = await _timed(agent if read.as_agent else admin, read.path)
    return filled


def some_tickets(url: str) -> list[UUID]:
    """The ids of some tickets of a filled desk, always the same ones."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT id FROM tickets ORDER BY md5(id::text) LIMIT 500")
        return [row[0] for row in found.fetchall()]


def _known(url: str) -> tuple[list[str], str]:
    """All agents, the size of the database."""
    with psycopg.connect(url) as connection:
        agents = connection.execute("SELECT id::text FROM people WHERE 'agent' = ANY(roles) ORDER BY email")
        found = [row[0] for row in agents.fetchall()]
        disk = connection.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    assert disk is not None
    return found, disk[0]


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


async def _timed(connection: Connection, path: Route) -> list[float]:
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

    def listed(**parameters: str) -> Route:
        return lambda _: f"{tickets}?{urlencode(parameters)}"

    def searched(words: Callable[[Random], str], more: str = "") -> Route:
        return lambda random: f"{tickets}?q={quote(words(random))}{more}"

    return [
        Read("newest", listed(), 15),
        Read("open by priority, first page", listed(status="open", sort="priority"), 15),
        Read("all by priority, page 200", lambda _: filled.deep, 15),
        Read("assigned to X", lambda random: f"{tickets}?assignee={random.choice(filled.agents)}", 15),
        Read("what an agent sees", listed(), 15, as_agent=True),
        Read("active ones an agent sees, by priority", listed(q="status:active", sort="priority"), 15, True),
        Read("one ticket", lambda random: f"{tickets}/{random.choice(filled.tickets)}", 15),
        Read("two English words", searched(english), 60),
        Read("two Chinese words", searched(chinese), 60),
        Read("a code", searched(vocabulary.code), 60),
        Read("two English words, what an agent sees", searched(english), 60, True),
        Read("two Chinese words, by relevance", searched(chinese, "&sort=relevance"), 60),
        Read("by a choice that one in a hundred has", listed(q="field.plan:trial"), 15),
        Read(
            "the same, active ones by priority",
            listed(q="field.plan:trial status:active", sort="priority"),
            15,
        ),
        Read("by a range of a number, as updated", listed(q="field.seats:100..120", sort="-updated_at"), 15),
        Read(
            "by the text of a field",
            lambda random: f"{tickets}?q=field.order_no:{_order(random, filled)}",
            15,
        ),
        Read("the next by a date", listed(q="field.delivered:>=2026-01-01", sort="field.delivered"), 15),
        Read("by a choice, what an agent sees", listed(q="field.plan:gold"), 15, True),
        Read("two English words and a choice", searched(english, "&field=plan:silver"), 60),
        Read("tags", lambda _: "/api/v1/tags", 15),
        Read("counts of five views", lambda _: "/api/v1/views?counts=true", 60),
        Read("counts of five views, of what an agent sees", lambda _: "/api/v1/views?counts=true", 60, True),
        Read("statistics of a month", lambda random: f"{tickets}/statistics?{_month(random)}", 300),
        Read("report of a month by day", lambda random: _reported("tickets", random, "day"), 300),
        Read("report of a month by team", lambda random: _reported("tickets", random, "team"), 300),
        Read("promises of a month by priority", lambda random: _reported("sla", random, "priority"), 300),
        Read("broken promises of a month, first page", lambda random: _reported("breaches", random), 60),
        Read("backlog by team", lambda _: "/api/v1/reports/backlog?group_by=team", 300),
    ]


def english(random: Random) -> str:
    thing, other = random.choice(vocabulary.ENGLISH_THINGS), random.choice(vocabulary.ENGLISH_TROUBLES)
    return f"{thing} {other.split()[-1]}"


def chinese(random: Random) -> str:
    return f"{random.choice(vocabulary.CHINESE_THINGS)} {random.choice(vocabulary.CHINESE_TROUBLES)[:4]}"


def _order(random: Random, filled: Filled) -> str:
    return f"SO-{random.randrange(filled.size):07}"


def _reported(name: str, random: Random, group: str | None = None) -> str:
    end = datetime.now(UTC).date() - timedelta(days=30 * random.randrange(20))
    period = {"from": str(end - timedelta(days=30)), "to": str(end)}
    return f"/api/v1/reports/{name}?{urlencode(period | ({'group_by': group} if group else {}))}"


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
        f"{size:,} tickets with their comments and indexes take {filled.disk} and were made in "
        f"{filled.seconds:.0f} s."
        for size, filled in sorted(results.items())
    ]
    return section
