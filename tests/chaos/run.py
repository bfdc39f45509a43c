"""A whole run: start the desk, load it, break it, let it come to rest, gather the evidence, judge."""

import asyncio
import itertools
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import psycopg
from temporalio.client import Client as Temporal

from tests.chaos.checker import judge
from tests.chaos.checker.case import CANARY, Check
from tests.chaos.client import Client
from tests.chaos.evidence import Evidence, gather
from tests.chaos.faults import CATALOGUE, SHORT, Blow, Injector, script
from tests.chaos.journal import Journal
from tests.chaos.load import Load
from tests.chaos.mail_peer import Mode
from tests.chaos.stack import Stack
from tests.chaos.world import World, make_world

_CANARIES: Final = 5
_UNREST: Final = """
    SELECT (SELECT count(*) FROM outbox)
        + (SELECT count(*) FROM notifications WHERE channel = 'email' AND state <> 'sent')
        + (SELECT count(*) FROM bulks WHERE finished_at IS NULL)
        + (SELECT count(*) FROM members WHERE wanted_since IS NOT NULL OR next_at < now() + interval '1 minute')
        + (SELECT count(*) FROM awards LEFT JOIN claims ON claims.id = awards.id
           WHERE reward ->> 'type' = 'prize' AND CASE awards.state
               WHEN 'held' THEN claims.id IS NULL OR claims.state = 'withdrawn'
               ELSE claims.state IN ('asked', 'approved') END)
        + (SELECT count(*) FROM surveys WHERE occasion = 'campaign' AND state = 'active' AND (building OR round = 0))
        + (SELECT count(*) FROM survey_invitations WHERE next_at < now() - interval '5 seconds')
        + (SELECT count(*) FROM feedback_turns WHERE done_at IS NULL)
        + (SELECT count(*) FROM contests WHERE status IN ('scheduled', 'active')
           OR next_step_at < now() - interval '5 seconds')
        + (SELECT count(*) FROM contest_processes WHERE state ->> 'fill' IS NOT NULL
           OR 'true' IN (state ->> 'restanding', state ->> 'reversing') OR state -> 'tellings' <> '[]')
        + (SELECT count(*) FROM tickets WHERE next_step_at < now() - interval '5 seconds')
        + (SELECT count(*) FROM tickets t JOIN ticket_processes p ON p.ticket_id = t.id
           JOIN sla_policies s ON s.id::text = p.policy ->> 'id'
           WHERE t.status IN ('open', 'assigned', 'in_progress', 'waiting', 'on_hold')
           AND (p.policy ->> 'version')::int <> s.version)
"""
"""What is still to be done: rows to hand over, mails to send, bulk actions to end, facts to count, awards to end,
claims to make and to withdraw, people to ask, followers to tell, contests to close and to tell of, steps to fire,
tickets to put under a new policy."""

_LEARNING: Final = "WorkflowType = 'Training' AND ExecutionStatus = 'Running'"
_DEAD: Final = "SELECT id::text FROM notifications WHERE channel = 'email' AND state = 'dead'"


@dataclass(frozen=True, slots=True)
class Plan:
    """`length` is the time in which tickets are opened and faults strike; `scale` stretches every promise,
    `pace` is the mean time between two actions on a ticket."""

    seed: int
    tickets: int
    faults: int
    length: float
    scale: float
    pace: float
    capacity: int
    rest: float
    catalogue: tuple[Blow, ...]


def short(seed: int, *, tickets: int = 30, faults: int = 5, length: float = 25.0) -> Plan:
    return Plan(seed, tickets, faults, length, scale=0.5, pace=2.0, capacity=4, rest=180.0, catalogue=SHORT)


def long(seed: int, *, tickets: int = 5000, faults: int = 69, length: float = 2700.0) -> Plan:
    """Two cores are half idle between the faults: what a desk that is busy all the time has to catch up with, it
    never does."""
    return Plan(
        seed, tickets, faults, length, scale=12.0, pace=9.0, capacity=15, rest=900.0, catalogue=CATALOGUE
    )


@dataclass
class Outcome:
    plan: Plan
    checks: list[Check]
    evidence: Evidence
    seconds: float

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


async def run(plan: Plan, folder: Path) -> Outcome:
    """Leaves the folder as it is, for whoever wants to look."""
    began, stack = time.monotonic(), Stack(folder)
    journal = Journal(folder / "journal.jsonl")
    stack.start()
    client = Client(stack.url, journal, plan.seed)
    try:
        await asyncio.to_thread(stack.wait_until_ready)
        world = await make_world(stack, client, plan.scale, plan.capacity)
        canary = await _canary(client, world)
        pace = {"length": plan.length, "scale": plan.scale, "pace": plan.pace}
        load = Load(client, world, plan.seed, plan.tickets, **pace)
        faults = script(plan.seed, plan.faults, plan.length, plan.catalogue)
        say(f"{plan.tickets} tickets and {len(faults)} faults within {plan.length:.0f} s")
        injector = Injector(stack, journal, canary)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            group.create_task(injector.run(faults, time.time()))
        stack.tell_peer(Mode.TAKE)
        say("everything runs again; waiting until nothing is left to do")
        await _come_to_rest(stack, client, world, plan.rest)
        await _have_learned(await stack.temporal(), plan.rest)
        say("gathering the evidence")
        mails, entries = stack.peer_folder / "mails.jsonl", folder / "journal.jsonl"
        evidence = await gather(stack.database_url(), await stack.temporal(), mails, entries)
    finally:
        journal.close()
        await client.close()
        await asyncio.to_thread(stack.stop)
    return Outcome(plan, judge(evidence), evidence, time.monotonic() - began)


async def _canary(client: Client, world: World) -> Callable[[], Awaitable[Any]]:
    """A write that passes through API, Temporal, worker and database, on tickets of its own in turn."""
    tickets = []
    for number in range(_CANARIES):
        body = {
            "subject": f"{CANARY} {number}",
            "description": "Sings while there is air.",
            "priority": "normal",
        }
        tickets.append((await client.plain("POST", "/tickets", world.admin, body))["id"])
    turns = itertools.cycle(tickets)

    async def sing() -> None:
        path = f"/tickets/{next(turns)}/actions/tag"
        await client.plain("POST", path, world.admin, {"add": [uuid4().hex[:8]]})

    return sing


async def _come_to_rest(stack: Stack, client: Client, world: World, limit: float) -> None:
    """Until nothing is left to do, or too long: then the checker says what is. Dead letters are sent again."""
    end, left = time.monotonic() + limit, -1
    async with await psycopg.AsyncConnection.connect(stack.database_url(), autocommit=True) as connection:
        while time.monotonic() < end:
            for (identity,) in await (await connection.execute(_DEAD)).fetchall():
                with suppress(httpx.TransportError, RuntimeError):  # it is dead until it is not
                    await client.plain("POST", f"/notifications/{identity}/resend", world.boss)
            row = await (await connection.execute(_UNREST)).fetchone()
            left = row[0] if row else 0
            if not left:
                return
            await asyncio.sleep(1)
    say(f"{left} things are still to be done after {limit:.0f} s")


async def _have_learned(temporal: Temporal, limit: float) -> None:
    """Until no training runs any more, or too long: then the checker says so."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if not (await temporal.count_workflows(_LEARNING)).count:
            return
        await asyncio.sleep(1)


def say(words: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")
