"""The desk beside a job that scans every minute: the same tickets, due times, PostgreSQL, mail server and kills.

`python -m tests.chaos.polling [--tickets N] [--scans N]`. Tickets fall due evenly over some minutes; some are resolved
half a minute after that. In the middle of every second scan everything that fires deadlines is killed: both scanners,
and the desk's worker. The scanners come again with the next minute, the worker when its supervisor restarts it.
"""

import argparse
import asyncio
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]  # ships no types
import psycopg

from benchmarks.figures import Table, percentile
from tests.chaos.client import Client, Who
from tests.chaos.journal import Journal, entries
from tests.chaos.report import commit
from tests.chaos.run import say
from tests.chaos.scanner import MAILS_FIRST, MARKS_FIRST, make_tables
from tests.chaos.stack import ADMIN, Stack

EVERY: Final = 60.0
_SHARE_RESOLVED: Final = 0.1
_RESOLVED_AFTER: Final = 25.0
_STEP: Final = 10
_PRIORITIES: Final = ("critical", "high", "normal", "low")
_PER_SECOND: Final = 4.0
"""Of opening tickets, guessed low: the window begins when all are there."""

_BREACHES: Final = "SELECT ticket_id::text, due_at, fired_at FROM sla_ledger WHERE kind = 'breach'"
_TOLD: Final = """
    SELECT id::text, params ->> 'ticket_id' FROM notifications WHERE kind = 'sla_breached' AND channel = 'email'
"""
_PROMISED: Final = (
    "SELECT ticket_id::text, due_at FROM sla_ledger WHERE kind = 'start' AND clock = 'resolution'"
)
_ID: Final = re.compile(r"<(\w+)\.([0-9a-f-]+)[.@]")


class Comparison:
    def __init__(self, stack: Stack, client: Client, admin: Who, tickets: int, scans: int, seed: int) -> None:
        self._stack, self._client, self._admin = stack, client, admin
        self._tickets, self._scans, self._draw = tickets, scans, random.Random(seed)
        self._url = stack.database_url()
        self.kills = 0

    async def run(self) -> None:
        window = EVERY * self._scans
        begins = time.time() + self._tickets / _PER_SECOND + 2 * _STEP
        begins += EVERY - begins % EVERY
        await self._make_world(begins + window - time.time())
        limit = asyncio.Semaphore(8)
        say(f"opening {self._tickets} tickets, due within {window:.0f} s from {time.ctime(begins)}")
        await asyncio.gather(*(self._open(limit, begins, window) for _ in range(self._tickets)))
        promised = await self._mirror()
        late = time.time() - begins
        say(f"all open, {-late:.0f} s before the first is due")
        resolving = [
            self._resolve(ticket, due) for ticket, due in promised if self._draw.random() < _SHARE_RESOLVED
        ]
        await asyncio.gather(self._scan(begins), *resolving)
        await asyncio.sleep(EVERY)

    async def _make_world(self, longest: float) -> None:
        person = {"email": "agent@people.example", "name": "agent", "roles": ["agent"], "capacity": 10_000}
        await self._client.plain("POST", "/people", self._admin, person)
        for group in range(int(longest / _STEP / len(_PRIORITIES)) + 1):
            targets = {
                priority: {"resolution": f"PT{(group * len(_PRIORITIES) + place + 1) * _STEP}S"}
                for place, priority in enumerate(_PRIORITIES)
            }
            policy = {
                "name": f"Due {group}",
                "position": group,
                "match": {"category": [f"due-{group}"]},
                "targets": targets,
                "ladder": [{"at": "100%", "do": ["notify:assignee"]}],
            }
            await self._client.plain("POST", "/sla-policies", self._admin, policy)

    async def _open(self, limit: asyncio.Semaphore, begins: float, window: float) -> None:
        async with limit:
            wanted = begins + self._draw.uniform(0, window) - time.time()
            index = max(round(wanted / _STEP) - 1, 0)
            body = {
                "subject": "The printer does not print",
                "description": "Nothing comes out.",
                "category": f"due-{index // len(_PRIORITIES)}",
                "priority": _PRIORITIES[index % len(_PRIORITIES)],
            }
            await self._client.ask("create", "POST", "/tickets", self._admin, body)

    async def _mirror(self) -> list[tuple[str, datetime]]:
        """Gives the scanners what they need: each ticket with its exact due time."""
        make_tables(self._url)
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            promised = await (await connection.execute(_PROMISED)).fetchall()
            for table in (MARKS_FIRST, MAILS_FIRST):
                async with connection.cursor() as cursor:
                    await cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s)", promised)
        return promised

    async def _resolve(self, ticket: str, due: datetime) -> None:
        """Late, so the promise is broken all the same."""
        await asyncio.sleep(max(0.0, due.timestamp() + _RESOLVED_AFTER - time.time()))
        path = f"/tickets/{ticket}/actions/resolve"
        await self._client.ask("resolve", "POST", path, self._admin, {"resolution": "done"})
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            for table in (MARKS_FIRST, MAILS_FIRST):
                await connection.execute(
                    f"UPDATE {table} SET resolved_at = now() WHERE ticket = %s", [ticket]
                )

    async def _scan(self, begins: float) -> None:
        """As cron: at each full minute, one process for each habit. The last two find what was left."""
        for number in range(1, self._scans + 2):
            await asyncio.sleep(max(0.0, begins + number * EVERY - time.time()))
            scans = [self._start(table) for table in (MARKS_FIRST, MAILS_FIRST)]
            if number % 2 and number < self._scans:
                await self._kill_during(scans)
            else:
                await _ended(scans)

    def _start(self, table: str) -> "subprocess.Popen[bytes]":
        command = (sys.executable, "-m", "tests.chaos.scanner", self._url, str(self._stack.smtp_port), table)
        return subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL)

    async def _kill_during(self, scans: Sequence["subprocess.Popen[bytes]"]) -> None:
        """When a part of what is due is mailed."""
        due = 2 * self._tickets / self._scans
        wanted = self._mails() + self._draw.uniform(0.1, 0.9) * due
        for _ in range(1000):
            if self._mails() >= wanted:
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(self._draw.uniform(0, 0.02))
        for one in scans:
            one.kill()
        await asyncio.to_thread(self._stack.kill, "worker")
        self.kills += 1
        await _ended(scans)

    def _mails(self) -> int:
        """What both scanners have mailed so far."""
        mails = (self._stack.peer_folder / "mails.jsonl").read_bytes()
        return mails.count(MARKS_FIRST.encode()) + mails.count(MAILS_FIRST.encode())

    async def table(self) -> Table:
        """One column for each way."""
        mails, again = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        distinct = set[str]()
        for mail in entries(self._stack.peer_folder / "mails.jsonl"):
            found = _ID.match(mail["id"])
            if found:
                (again if mail["id"] in distinct else mails)[found[1], found[2]] += 1
                distinct.add(mail["id"])
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            promised: dict[str, Any] = dict(await (await connection.execute(_PROMISED)).fetchall())
            fired = await (await connection.execute(_BREACHES)).fetchall()
            told: dict[str, str] = dict(await (await connection.execute(_TOLD)).fetchall())
            columns = [
                _column(
                    promised,
                    fired,
                    Counter(told[one] for way, one in mails.elements() if one in told),
                    sum(one in told for way, one in again.elements()),
                )
            ]
            for table in (MARKS_FIRST, MAILS_FIRST):
                query = f"SELECT ticket, due_at, breached_at FROM {table} WHERE breached_at IS NOT NULL"
                marked = await (await connection.execute(query)).fetchall()
                columns.append(
                    _column(
                        promised,
                        marked,
                        Counter({one: n for (way, one), n in mails.items() if way == table}),
                        sum(way == table for way, one in again.elements()),
                    )
                )
        rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
        return Table(("", "the desk", "scan, marks first", "scan, mails first"), rows)


async def _ended(scans: Sequence["subprocess.Popen[bytes]"]) -> None:
    for one in scans:
        await asyncio.to_thread(one.wait)


def _column(
    promised: dict[str, Any], fired: Sequence[Any], mails: Counter[str], again: int
) -> dict[str, float | int]:
    """`mails` with different Message-IDs by ticket; `again` is how many came again with the same one, which a
    mailbox shows once."""
    late = [(at - due).total_seconds() for _, due, at in fired]
    recorded = Counter(ticket for ticket, *_ in fired)
    return {
        "broken promises": len(promised),
        "recorded": len(recorded),
        "never recorded": len(promised.keys() - recorded.keys()),
        "recorded twice": sum(times > 1 for times in recorded.values()),
        "lateness p50, s": percentile(late, 0.5),
        "lateness p99, s": percentile(late, 0.99),
        "lateness max, s": percentile(late, 1),
        "recorded, but nobody was mailed": sum(mails[ticket] == 0 for ticket in recorded),
        "mailed more than once": sum(times > 1 for times in mails.values()),
        "the same mail taken again": again,
    }


async def compare(tickets: int, scans: int, seed: int, folder: Path) -> str:
    stack = Stack(folder)
    journal = Journal(folder / "journal.jsonl")
    stack.start()
    client = Client(stack.url, journal, seed)
    try:
        await asyncio.to_thread(stack.wait_until_ready)
        comparison = Comparison(stack, client, await client.sign_in(ADMIN), tickets, scans, seed)
        await comparison.run()
        table = await comparison.table()
    finally:
        await client.close()
        await asyncio.to_thread(stack.stop)
    run = f"`python -m tests.chaos.polling --tickets {tickets} --scans {scans} --seed {seed}` at {commit()}"
    machine = f"{psutil.cpu_count()} cores, load average {os.getloadavg()[2]:.1f}"
    told = f"{tickets} tickets, a scan every {EVERY:.0f} s, {comparison.kills} kills. {machine}."
    return f"{run}: {told}\n\n{table.markdown()}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.polling", description=__doc__)
    parser.add_argument("--tickets", type=int, default=800)
    parser.add_argument("--scans", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="duradesk-polling-")).resolve()
    sys.stdout.write(asyncio.run(compare(given.tickets, given.scans, given.seed, folder)) + "\n")
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
