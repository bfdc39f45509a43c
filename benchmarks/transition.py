"""Transitions of a ticket over HTTP, one client, one at a time; beside them the least that one can be."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from benchmarks.bare import BareClient, running_peer
from benchmarks.desk import new_ticket, running_desk
from benchmarks.figures import Goal, Section, Table, percentile
from benchmarks.wire import Connection

TICKETS: Final = {"short": 60, "long": 300}
_WARM_UP = 8
_BODY: Final = "Please switch the printer off, wait for ten seconds, and switch it on again."
_PEER: Final = "bare update"


def life(agent: str, other: str) -> Sequence[tuple[str, dict[str, Any] | None]]:
    """The actions of a ticket's life, in order; it is given to `other` first, then back to `agent`."""
    return (
        ("assign", {"assignee": other}),
        ("assign", {"assignee": agent}),
        ("start", None),
        ("reply", {"body": _BODY}),
        ("wait", None),
        ("resume", None),
        ("set_priority", {"priority": "high"}),
        ("resolve", {"resolution": _BODY}),
        ("close", None),
    )


async def measure(size: str) -> Section:
    took: dict[str, list[float]] = {}
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(running_desk())
        peer, _ = await stack.enter_async_context(running_peer(desk))
        asking = await stack.enter_async_context(desk.connection(desk.requester_token))
        agent = await stack.enter_async_context(desk.connection(desk.agent_token))
        for number in range(_WARM_UP + TICKETS[size]):
            if number == _WARM_UP:
                took.clear()
            # The category of the first team: the one that the acting agent belongs to.
            ticket = (await asking.post("/api/v1/tickets", new_ticket())).expect(201)
            await _live(agent, ticket["id"], life(desk.agents[0], desk.agents[3]), took)
            await _touch(peer, took)
    return _section(took, TICKETS[size])


async def _live(
    agent: Connection,
    ticket_id: str,
    actions: Sequence[tuple[str, dict[str, Any] | None]],
    took: dict[str, list[float]],
) -> None:
    for action, body in actions:
        began = time.perf_counter()
        answer = await agent.post(f"/api/v1/tickets/{ticket_id}/actions/{action}", body)
        took.setdefault(action, []).append(time.perf_counter() - began)
        answer.expect(200)


async def _touch(peer: BareClient, took: dict[str, list[float]]) -> None:
    bare_id = await peer.create()
    for _ in range(2):
        began = time.perf_counter()
        await peer.touch(bare_id)
        took.setdefault(_PEER, []).append(time.perf_counter() - began)


def _section(took: dict[str, list[float]], tickets: int) -> Section:
    every = [each for action, times in took.items() if action != _PEER for each in times]
    rows = [
        (name, len(times), percentile(times, 0.5) * 1000, percentile(times, 0.95) * 1000)
        for name, times in [*took.items(), ("all transitions", every)]
    ]
    return Section(
        "Transitions",
        f"One client walks {tickets} tickets through their lives over HTTP. `{_PEER}` is an update of the bare "
        "workflow that awaits one activity with one UPDATE, without HTTP, taken in turns with them.",
        [Table(("action", "count", "p50, ms", "p95, ms"), rows)],
        [Goal("p50 of all transitions", percentile(every, 0.5) * 1000, at_most=25, unit="ms")],
    )
