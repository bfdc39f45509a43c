"""A bulk action that changes the priority of many tickets, and what it does to somebody who opens tickets meanwhile."""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any, Final

from benchmarks.desk import Call, in_parallel, new_ticket, running_desk
from benchmarks.figures import Goal, Section, Table, percentile
from benchmarks.wire import Connection

TICKETS: Final = {"short": 1000, "long": 10_000}
ALONE: Final = 60
_CLIENTS: Final = 16
_PAUSE: Final = 0.2
"""Between two creations of the one client."""


async def measure(size: str) -> Section:
    count = TICKETS[size]
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(running_desk())
        asking = [
            await stack.enter_async_context(desk.connection(desk.requester_token)) for _ in range(_CLIENTS)
        ]
        admin = await stack.enter_async_context(desk.connection(desk.admin_token))
        await in_parallel([_creator(connection) for connection in asking], count)
        alone = [await _create(asking[0], number) for number in range(ALONE)]
        began = time.monotonic()
        bulk = (await admin.post("/api/v1/bulk", _order())).expect(202)
        meanwhile: list[float] = []
        while (now := (await admin.get(f"/api/v1/bulk/{bulk['id']}")).expect(200))["state"] == "running":
            meanwhile.append(await _create(asking[0], len(meanwhile)))
        return _section(now, time.monotonic() - began, alone, meanwhile)


def _order() -> dict[str, Any]:
    return {"action": "set_priority", "fields": {"priority": "high"}, "filter": {"priority": ["normal"]}}


def _creator(connection: Connection) -> Call:
    async def create(number: int) -> Any:
        return (await connection.post("/api/v1/tickets", new_ticket(number))).expect(201)

    return create


async def _create(connection: Connection, number: int) -> float:
    """Milliseconds."""
    await asyncio.sleep(_PAUSE)
    began = time.perf_counter()
    (await connection.post("/api/v1/tickets", new_ticket(number, priority="low"))).expect(201)
    return (time.perf_counter() - began) * 1000


def _section(bulk: dict[str, Any], seconds: float, alone: list[float], meanwhile: list[float]) -> Section:
    counts = bulk["counts"]
    rows = [
        (name, len(times), percentile(times, 0.5), percentile(times, 0.99))
        for name, times in (("before it", alone), ("while it runs", meanwhile))
    ]
    slower = percentile(meanwhile, 0.5) / percentile(alone, 0.5)
    return Section(
        "A bulk action",
        f"`set_priority` on {bulk['total']} tickets, each with its clocks retargeted and its history written; one "
        f"client opens a ticket each {_PAUSE:.1f} s meanwhile.",
        [Table(("opening a ticket", "count", "p50, ms", "p99, ms"), rows)],
        [Goal("p50 of opening a ticket, during / before", slower, at_most=3)],
        [
            f"{counts.get('done', 0)} done and {counts.get('refused', 0)} refused in {seconds:.1f} s: "
            f"{bulk['total'] / seconds:.0f} tickets a second."
        ],
    )
