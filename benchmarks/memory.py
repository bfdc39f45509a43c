"""The memory of the whole embedded desk: idle, and with thousands of open tickets."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Final

from benchmarks.desk import BenchDesk, Call, in_parallel, new_ticket, running_desk
from benchmarks.figures import Goal, Section, Table
from benchmarks.processes import PARTS, Memory, Processes
from benchmarks.wire import Connection

TICKETS: Final = {"short": 1000, "long": 5000}
_SETTLE: Final = 15.0
_CLIENTS = 32
_AGENTS = 30
_MEGABYTE = 2**20


async def measure(size: str) -> Section:
    async with running_desk(agents=0) as desk:
        await asyncio.sleep(_SETTLE)
        processes = Processes(desk.pid)
        idle = processes.memory()  # before anybody signed in: hashing passwords takes memory that stays
        await desk.fill(_AGENTS)
        await _open_tickets(desk, TICKETS[size])
        await asyncio.sleep(_SETTLE)
        busy = processes.memory()
    tables = [
        Table(("MB", "idle, RSS", "idle, PSS", "busy, RSS", "busy, PSS", "processes"), _rows(idle, busy))
    ]
    return Section(
        "Memory",
        f"The whole embedded desk {_SETTLE:.0f} s after it was ready, and with {TICKETS[size]} open tickets. RSS "
        "counts a shared page in every process that maps it (PostgreSQL's buffers, code); PSS shares it out.",
        tables,
        [Goal("idle, RSS in sum", _sum(idle, "rss"), at_most=700, unit="MB")],
    )


def _rows(idle: dict[str, Memory], busy: dict[str, Memory]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [
        (part, *_shown(idle[part]), *_shown(busy[part]), busy[part].processes) for part in PARTS
    ]
    sums = [_sum(state, kind) for state in (idle, busy) for kind in ("rss", "pss")]
    return [*rows, ("sum", *sums, sum(memory.processes for memory in busy.values()))]


def _shown(memory: Memory) -> tuple[object, object]:
    return memory.rss / _MEGABYTE, "?" if memory.pss is None else memory.pss / _MEGABYTE


def _sum(state: dict[str, Memory], kind: str) -> float:
    return sum(getattr(memory, kind) or 0 for memory in state.values()) / _MEGABYTE


async def _open_tickets(desk: BenchDesk, count: int) -> None:
    async with AsyncExitStack() as stack:
        connections = [
            await stack.enter_async_context(desk.connection(desk.requester_token)) for _ in range(_CLIENTS)
        ]
        await in_parallel([_creator(connection) for connection in connections], count)


def _creator(connection: Connection) -> Call:
    async def create(number: int) -> Any:
        return (await connection.post("/api/v1/tickets", new_ticket(number))).expect(201)

    return create
