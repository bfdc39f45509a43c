"""`python -m benchmarks helpdesk`: the desk and django-helpdesk in turns, with the same client and mail server.

Its tickets are made of the words of ours, in the same shares of states, people and languages; both are asked for pages
of 25. A ticket of ours is committed, assigned and has its clocks running when it is answered, and its two mails go out
afterwards; its ticket is committed, and its one mail sent, when it is answered. Each has the machine for itself: the
other's turn begins when no mail is on its way any more.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]  # ships no types
import psycopg
from aiosmtpd.controller import Controller

from benchmarks import vocabulary
from benchmarks.desk import (
    DESCRIPTION,
    SUBJECT,
    BenchDesk,
    Block,
    Call,
    free_port,
    in_parallel,
    new_ticket,
    running_desk,
)
from benchmarks.figures import Goal, Section, Table, percentile
from benchmarks.helpdesk.peer import AGENTS, Peer, running_peer
from benchmarks.population import ACTIVE_SHARE
from benchmarks.reads import chinese, english, filled_desk, some_tickets
from benchmarks.wire import Connection

CLIENTS: Final = (1, 8, 32)
TURNS: Final = 3
CREATES: Final = {1: 60, 8: 300, 32: 400}
REQUESTS: Final = 20
_WARM_UP: Final = 60
_SEED: Final = 5
_SETTLE: Final = 1.0
_AGAIN: Final = 0.1
_PATIENCE: Final = 30.0

Ask = Callable[[Connection, Random], Awaitable[Any]]


class Mails:
    """A mail server that takes everything and counts it."""

    def __init__(self) -> None:
        self.taken = 0
        self.port = free_port()
        self._server = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  named by aiosmtpd
        self.taken += 1
        return "250 OK"

    def __enter__(self) -> "Mails":
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


@dataclass
class Side:
    """What one of the two took: blocks of creations by the number of clients, the seconds until the last of their mails
    was sent, and CPU of the machine for both. `waiting` counts mails that are on their way."""

    clients: Sequence[Call]
    waiting: Callable[[], int]
    blocks: dict[int, list[Block]] = field(default_factory=dict)
    done: dict[int, float] = field(default_factory=dict)
    cpu: dict[int, float] = field(default_factory=dict)

    def figures(self, clients: int) -> tuple[float, float, float, float, float]:
        """Per second; p50 and p99 in milliseconds; per second with their mails; CPU-ms each."""
        blocks = self.blocks[clients]
        each = [one for block in blocks for one in block.each]
        per_second = len(each) / sum(block.together for block in blocks)
        p50, p99 = (percentile(each, share) * 1000 for share in (0.5, 0.99))
        return per_second, p50, p99, len(each) / self.done[clients], self.cpu[clients] * 1000 / len(each)


async def measure(sizes: Sequence[int], keep: Path | None) -> AsyncIterator[Section]:
    with Mails() as mails:
        yield await _creates(mails)
        yield _read_section({size: await _read(size, keep, mails) for size in sizes})


async def _creates(mails: Mails) -> Section:
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(running_desk(smtp_port=mails.port))
        peer = await stack.enter_async_context(running_peer(mails.port))
        sides = {
            "Duradesk": Side([], partial(_waiting, desk)),
            "django-helpdesk": Side([], lambda: 0),  # sent within the request
        }
        ours, theirs = [], []
        for _ in range(max(CLIENTS)):
            ours.append(await stack.enter_async_context(desk.connection(desk.requester_token)))
            theirs.append(await stack.enter_async_context(peer.connection()))
        sides["Duradesk"].clients = [_ours(connection) for connection in ours]
        sides["django-helpdesk"].clients = [_theirs(connection) for connection in theirs]
        for side in sides.values():
            await in_parallel(side.clients[:8], _WARM_UP)
            await _settled(side)
        for turn in range(TURNS):
            for name in list(sides)[:: 1 if turn % 2 == 0 else -1]:
                for clients in CLIENTS:
                    await _take_turn(sides[name], clients)
        made = await asyncio.to_thread(_count, peer)
    return _create_section(sides, made, mails.taken)


def _ours(connection: Connection) -> Call:
    async def create(number: int) -> Any:
        return (await connection.post("/api/v1/tickets", new_ticket(number))).expect(201)

    return create


def _theirs(connection: Connection) -> Call:
    async def create(number: int) -> Any:
        form = {"queue": str(number % 20 + 1), "title": SUBJECT, "body": DESCRIPTION, "priority": "3"}
        form["submitter_email"] = "asking@desk.example"
        answer = await connection.submit("/tickets/submit/", form)
        return answer.expect(302)

    return create


async def _take_turn(side: Side, clients: int) -> None:
    """What a block leaves to be done afterwards is counted with it."""
    before, began = _busy(), time.monotonic()
    side.blocks.setdefault(clients, []).append(await in_parallel(side.clients[:clients], CREATES[clients]))
    await _settled(side)
    side.done[clients] = side.done.get(clients, 0.0) + time.monotonic() - began
    await asyncio.sleep(_SETTLE)
    side.cpu[clients] = side.cpu.get(clients, 0.0) + _busy() - before


async def _settled(side: Side) -> None:
    while await asyncio.to_thread(side.waiting):  # noqa: ASYNC110  it is the database that knows
        await asyncio.sleep(_AGAIN)


def _waiting(desk: BenchDesk) -> int:
    with psycopg.connect(desk.database_url()) as connection:
        row = connection.execute(
            "SELECT count(*) FROM notifications WHERE channel = 'email' AND state = 'pending'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def _busy() -> float:
    """CPU seconds of the whole machine, the client and the mail server included."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def _count(peer: Peer) -> int:
    with psycopg.connect(peer.database_url) as connection:
        row = connection.execute("SELECT count(*) FROM helpdesk_ticket").fetchone()
    assert row is not None
    return int(row[0])


def _create_section(sides: dict[str, Side], made: int, mails: int) -> Section:
    head = [
        "",
        *(
            f"{what}, {clients}"
            for clients in CLIENTS
            for what in ("per second", "p50, ms", "p99, ms", "per second with their mails", "CPU-ms each")
        ),
    ]
    rows = [
        (name, *(figure for clients in CLIENTS for figure in side.figures(clients)))
        for name, side in sides.items()
    ]
    ours, theirs = (side.figures(32)[0] for side in sides.values())
    return Section(
        "Creating a ticket",
        f"{TURNS} turns in alternating order by 1, 8 and 32 clients. CPU is that of the whole machine, client and mail "
        "server included, until the last mail is sent.",
        [Table(head, rows)],
        [Goal("creates per second by 32 clients, Duradesk / django-helpdesk", ours / theirs, at_least=1.0)],
        [f"{made} tickets in django-helpdesk's database; the mail server took {mails} mails."],
    )


@dataclass(frozen=True, slots=True)
class Read:
    name: str
    ours: Ask
    theirs: Ask


def _tickets(count: int) -> Iterator[dict[str, Any]]:
    """django-helpdesk's tickets: as many in each state, language and month as ours."""
    random, now = Random(_SEED), datetime.now(UTC)
    for number in range(count):
        written_in_chinese = number % 2 == 1
        active = random.random() < ACTIVE_SHARE
        yield {
            "title": f"{vocabulary.subject(random, chinese=written_in_chinese)} {vocabulary.code(random)}",
            "description": vocabulary.body(random, random.randrange(3, 8), chinese=written_in_chinese),
            "comment": vocabulary.body(random, 2, chinese=written_in_chinese),
            "queue": random.randrange(20),
            "created": (now - timedelta(days=730 * (1 - number / count))).isoformat(),
            "submitter": f"person{random.randrange(max(200, count // 20))}@customer.example",
            "agent": None if active and random.random() < 0.2 else random.randrange(AGENTS),
            "status": 1 if active else 4,
            "priority": random.choices((1, 2, 3, 4), (3, 17, 60, 20))[0],
        }


def _listed(**query: Any) -> str:
    asked = {
        "filtering": {},
        "filtering_null": {},
        "sorting": "created",
        "sortreverse": True,
        "search_string": "",
    }
    encoded = base64.b64encode(json.dumps(asked | query).encode()).decode()
    return f"/datatables_ticket_list/{quote(encoded)}?start=0&length=25&draw=1"


async def _read(size: int, keep: Path | None, mails: Mails) -> dict[str, tuple[list[float], list[float]]]:
    """Milliseconds of each request, ours and theirs, in turns."""
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(filled_desk(size, keep))
        known = await asyncio.to_thread(some_tickets, desk.database_url())
        peer = await stack.enter_async_context(running_peer(mails.port, _tickets(size)))
        ours = await stack.enter_async_context(desk.connection(desk.admin_token))
        theirs = await stack.enter_async_context(peer.connection())
        return {
            read.name: (await _timed(ours, read.ours), await _timed(theirs, read.theirs))
            for read in _reads(size, [str(one) for one in known])
        }


def _reads(size: int, known: Sequence[str]) -> list[Read]:
    def get(path: Callable[[Random], str]) -> Ask:
        async def ask(connection: Connection, random: Random) -> Any:
            return (await connection.get(path(random))).expect(200)

        return ask

    tickets = "/api/v1/tickets"
    return [
        Read(
            "active ones by priority, first page",
            get(lambda _: f"{tickets}?q=status:active&sort=priority"),
            get(lambda _: _listed(filtering={"status__in": [1, 2]}, sorting="priority", sortreverse=False)),
        ),
        Read("newest", get(lambda _: tickets), get(lambda _: _listed())),
        Read(
            "two English words",
            get(lambda random: f"{tickets}?q={quote(english(random))}"),
            get(lambda random: _listed(search_string=english(random))),
        ),
        Read(
            "two Chinese words",
            get(lambda random: f"{tickets}?q={quote(chinese(random))}"),
            get(lambda random: _listed(search_string=chinese(random))),
        ),
        Read(
            "one ticket",
            get(lambda random: f"{tickets}/{random.choice(known)}"),
            get(lambda random: f"/api/tickets/{random.randrange(1, size)}/?format=json"),
        ),
    ]


async def _timed(connection: Connection, ask: Ask) -> list[float]:
    """Fewer than `REQUESTS` of what takes too long."""
    random, times, end = Random(_SEED), [], time.monotonic() + _PATIENCE
    for number in range(REQUESTS + 2):
        began = time.perf_counter()
        await ask(connection, random)
        if number >= 2:
            times.append((time.perf_counter() - began) * 1000)
        if times and time.monotonic() > end:
            break
    return times


def _read_section(results: dict[int, dict[str, tuple[list[float], list[float]]]]) -> Section:
    sizes = sorted(results)
    head = ["p50, ms", *(f"{name}, {size:,}" for size in sizes for name in ("Duradesk", "django-helpdesk"))]
    rows = [
        [name, *(percentile(times, 0.5) for size in sizes for times in results[size][name])]
        for name in results[sizes[0]]
    ]
    return Section(
        "Reading",
        f"{REQUESTS} requests of each kind in a row by one client, with other words and tickets each time, and fewer "
        f"of those that take longer than {_PATIENCE:.0f} s together. A search of django-helpdesk looks for both words "
        "as one phrase, and its API goes through all tickets to answer with one.",
        [Table(head, rows)],
    )
