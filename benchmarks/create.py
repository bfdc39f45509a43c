"""Creating a ticket over HTTP (committed, assigned, its clocks running) against the bare peer, in turns."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from benchmarks.bare import running_peer
from benchmarks.desk import BenchDesk, Block, Call, in_parallel, new_ticket, running_desk
from benchmarks.figures import Goal, Section, Table, percentile
from benchmarks.processes import PARTS, Cost, Processes, added, spent
from benchmarks.wire import Connection

CLIENTS: Final = 32
_SETTLE = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How many turns, and how many creations each side makes in a turn, alone and in parallel."""

    warm_up: int
    turns: int
    alone: int
    parallel: int


PLANS: Final = {"short": Plan(200, 4, 60, 400), "long": Plan(400, 8, 150, 800)}


@dataclass
class Side:
    """What one of the two took, over all its turns. CPU only of the turns in parallel."""

    clients: Sequence[Call]
    alone: list[Block] = field(default_factory=list)
    parallel: list[Block] = field(default_factory=list)
    cpu: Cost = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return sum(len(block.each) for block in self.parallel) / sum(
            block.together for block in self.parallel
        )

    def alone_ms(self, share: float) -> float:
        return percentile((each for block in self.alone for each in block.each), share) * 1000

    def parallel_ms(self, share: float) -> float:
        return percentile((each for block in self.parallel for each in block.each), share) * 1000

    def cpu_ms(self, part: str) -> float:
        return self.cpu.get(part, 0.0) * 1000 / sum(len(block.each) for block in self.parallel)


async def measure(size: str) -> Section:
    plan = PLANS[size]
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(running_desk())
        peer, peer_pid = await stack.enter_async_context(running_peer(desk))
        connections = [
            await stack.enter_async_context(desk.connection(desk.requester_token)) for _ in range(CLIENTS)
        ]
        sides = {
            "desk": Side([_creator(connection) for connection in connections]),
            "bare": Side([peer.create] * CLIENTS),
        }
        for side in sides.values():
            await in_parallel(side.clients, plan.warm_up)
        processes = Processes(desk.pid, {"bare worker": peer_pid})
        for turn in range(plan.turns):
            for name in ("desk", "bare") if turn % 2 == 0 else ("bare", "desk"):
                await _take_turn(sides[name], plan, processes)
        assigned = _assigned(desk)
    return _section(sides["desk"], sides["bare"], plan, assigned)


def _creator(connection: Connection) -> Call:
    async def create(number: int) -> Any:
        return (await connection.post("/api/v1/tickets", new_ticket(number))).expect(201)

    return create


async def _take_turn(side: Side, plan: Plan, processes: Processes) -> None:
    """What a block leaves to be done afterwards is counted with it: hence the pause before its end."""
    side.alone.append(await in_parallel(side.clients[:1], plan.alone))
    before = processes.cpu()
    side.parallel.append(await in_parallel(side.clients, plan.parallel))
    await asyncio.sleep(_SETTLE)
    side.cpu = added(side.cpu, spent(before, processes.cpu()))


def _assigned(desk: BenchDesk) -> tuple[int, int, int]:
    """Tickets, those that have an agent, those whose resolution clock runs."""
    statement = (
        "SELECT count(*), count(assignee_id), (SELECT count(*) FROM sla_ledger WHERE kind = 'start' "
        "AND clock = 'resolution') FROM tickets"
    )
    with psycopg.connect(desk.database_url()) as connection:
        row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def _section(desk: Side, bare: Side, plan: Plan, assigned: tuple[int, int, int]) -> Section:
    sides = (("desk over HTTP", desk), ("bare workflow", bare))
    ratio, more = desk.per_second / bare.per_second, desk.alone_ms(0.5) - bare.alone_ms(0.5)
    times = [
        (
            name,
            *(side.alone_ms(share) for share in (0.5, 0.95)),
            side.per_second,
            *(side.parallel_ms(share) for share in (0.5, 0.99)),
        )
        for name, side in sides
    ]
    parts = ("api", "worker", "bare worker", "temporal", "postgres", "client")
    costs = [
        (name, *(side.cpu_ms(part) for part in parts), sum(side.cpu_ms(part) for part in (*parts, "up")))
        for name, side in sides
    ]
    turns = [
        (number, *(len(block.each) / block.together for block in pair))
        for number, pair in enumerate(zip(desk.parallel, bare.parallel, strict=True), start=1)
    ]
    assert set(PARTS) <= {*parts, "up"}
    return Section(
        "Creating a ticket",
        "Over HTTP until it is committed, assigned and its clocks run, against a bare update-with-start workflow "
        "with one local activity and one INSERT on the same servers, driven without HTTP. "
        f"{plan.turns} turns in alternating order: {plan.alone} alone, then {plan.parallel} by "
        f"{CLIENTS} clients.",
        [
            Table(
                ("", "p50 alone, ms", "p95 alone, ms", f"per second, {CLIENTS}", "p50, ms", "p99, ms"), times
            ),
            Table(("CPU-ms each", *parts, "sum"), costs),
            Table(("turn", "desk per second", "bare per second"), turns),
        ],
        [
            Goal(f"throughput at {CLIENTS} clients, desk / bare", ratio, at_least=0.7),
            Goal("p50 alone, desk − bare", more, at_most=15, unit="ms"),
        ],
        ["{} tickets in the database, {} with an agent, {} with a running clock.".format(*assigned)],
    )
