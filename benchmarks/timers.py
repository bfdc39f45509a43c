"""Thousands of clocks due within one minute: how late the processes fire them, whether all, whether once.

Each ticket is opened with the target that lets it be due at a moment drawn from one minute: the policies
differ by category, their targets by priority, five seconds apart. The ledger tells what was due and when the
process fired it (`fired_at`, the time of its workflow task); a reader that looks ten times a second tells
when the row could be read, which includes the commit.
"""

import asyncio
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import psycopg

from benchmarks.desk import BenchDesk, Call, in_parallel, new_ticket, running_desk
from benchmarks.figures import Goal, Section, Table, percentile
from benchmarks.wire import Connection

TICKETS: Final = {"short": 400, "long": 2000}
_PRIORITIES: Final = ("critical", "high", "normal", "low")
_STEP: Final = 5
_TARGETS: Final = tuple(range(_STEP, 301, _STEP))
_WINDOW: Final = 60.0
_PER_SECOND: Final = 25  # of creation, guessed low: the window begins when all tickets are open
_CLIENTS: Final = 16
_LOOK_EVERY: Final = 0.1
_GRACE: Final = 20.0
_FIRED: Final = (
    "SELECT row, ticket_id::text, due_at, fired_at FROM sla_ledger "
    "WHERE kind = 'breach' AND row > %s ORDER BY row"
)


@dataclass
class Seen:
    """The breaches of the ledger by row, with the time at which each could first be read."""

    rows: dict[int, tuple[str, datetime, datetime, datetime]] = field(default_factory=dict)

    def late(self, *, readable: bool) -> list[float]:
        """Seconds from due to fired, or to readable."""
        return [
            ((seen if readable else fired) - due).total_seconds()
            for _, due, fired, seen in self.rows.values()
        ]


async def measure(size: str) -> Section:
    count = TICKETS[size]
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(running_desk())
        await _make_policies(desk)
        begins = time.time() + count / _PER_SECOND + 2 * _STEP
        connections = [
            await stack.enter_async_context(desk.connection(desk.requester_token)) for _ in range(_CLIENTS)
        ]
        watching = asyncio.create_task(_watch(desk, begins + _WINDOW + _GRACE))
        await in_parallel([_creator(connection, begins) for connection in connections], count)
        opened_at = time.time()
        seen = await watching
        late_to_open = max(0.0, opened_at - begins)
        open_tickets = await _promised(desk)
    return _section(seen, open_tickets, late_to_open)


async def _make_policies(desk: BenchDesk) -> None:
    """A category for every four targets; the breach notifies the assignee, as a real one does."""
    async with desk.connection(desk.admin_token) as admin:
        for group in range(0, len(_TARGETS), len(_PRIORITIES)):
            four = zip(_PRIORITIES, _TARGETS[group:], strict=False)
            policy = {
                "name": f"Due within a minute {group}",
                "position": group,
                "match": {"category": [_category(group)]},
                "targets": {priority: {"resolution": f"PT{seconds}S"} for priority, seconds in four},
                "ladder": [{"at": "100%", "do": ["notify:assignee"]}],
            }
            (await admin.post("/api/v1/sla-policies", policy)).expect(201)


def _category(group: int) -> str:
    return f"due-{group}"


def _creator(connection: Connection, begins: float) -> Call:
    draw = random.Random(7)

    async def create(_number: int) -> Any:
        wanted = begins + draw.uniform(0, _WINDOW) - time.time()
        index = min(max(round(wanted / _STEP) - 1, 0), len(_TARGETS) - 1)
        group = index - index % len(_PRIORITIES)
        ticket = new_ticket(category=_category(group), priority=_PRIORITIES[index - group])
        return (await connection.post("/api/v1/tickets", ticket)).expect(201)

    return create


async def _watch(desk: BenchDesk, until: float) -> Seen:
    """Rows may be committed out of order, so each look goes back a little."""
    seen, last = Seen(), 0
    async with await psycopg.AsyncConnection.connect(desk.database_url(), autocommit=True) as connection:
        while time.time() < until:
            found = await (await connection.execute(_FIRED, [last - 500])).fetchall()
            now = datetime.now(UTC)
            for row, ticket_id, due_at, fired_at in found:
                seen.rows.setdefault(row, (ticket_id, due_at, fired_at, now))
                last = max(last, row)
            await asyncio.sleep(_LOOK_EVERY)
    return seen


async def _promised(desk: BenchDesk) -> set[str]:
    """The tickets whose clock was started."""
    async with await psycopg.AsyncConnection.connect(desk.database_url()) as connection:
        statement = "SELECT ticket_id::text FROM sla_ledger WHERE kind = 'start' AND clock = 'resolution'"
        return {row[0] for row in await (await connection.execute(statement)).fetchall()}


def _section(seen: Seen, promised: set[str], late_to_open: float) -> Section:
    fired = Counter(ticket_id for ticket_id, *_ in seen.rows.values())
    missing, double = len(promised - fired.keys()), sum(times > 1 for times in fired.values())
    dues = sorted(due for _, due, _, _ in seen.rows.values())
    by_second = Counter(due.replace(microsecond=0) for due in dues)
    spread = (dues[-1] - dues[0]).total_seconds() if dues else 0.0
    rows = [
        (name, len(late), *(percentile(late, share) * 1000 for share in (0.5, 0.95, 0.99, 1)))
        for name, late in (
            ("fired_at − due_at", seen.late(readable=False)),
            ("readable in the ledger − due_at", seen.late(readable=True)),
        )
    ]
    notes = [
        f"{len(promised)} clocks, due within {spread:.0f} s, at most {max(by_second.values(), default=0)} of them "
        f"in one second. {missing} missing, {double} fired twice."
    ]
    if late_to_open:
        notes.append(f"The last tickets were opened {late_to_open:.0f} s into the window.")
    return Section(
        "Timers",
        "Clocks that are due within one minute, fired by the processes themselves, each with a notification.",
        [Table(("", "count", "p50, ms", "p95, ms", "p99, ms", "max, ms"), rows)],
        [
            Goal(
                "p99 of fired_at − due_at", percentile(seen.late(readable=False), 0.99), at_most=1.5, unit="s"
            ),
            Goal("missing", missing, at_most=0),
            Goal("fired twice", double, at_most=0),
        ],
        notes,
    )
