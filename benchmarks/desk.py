"""A desk to measure: the whole of it as `duradesk up` starts it, in a folder and on ports of its own.

It is filled and used over HTTP. What a measurement cannot ask there (the ledger of all tickets at once, the
peer's table) it reads from the database.
"""

import asyncio
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.wire import Connection
from runtime.embedded.postgres import EmbeddedPostgres

RUNS: Final = Path(__file__).parent / ".run"
PASSWORD: Final = "only-for-measuring-7"
TEAMS: Final = ("network", "accounts", "hardware")
CAPACITY: Final = 10_000
SUBJECT: Final = "The printer on the third floor does not print"
DESCRIPTION: Final = (
    "Since this morning nothing comes out of the printer beside the kitchen. The display says that it is ready, "
    "the queue is empty, and switching it off and on did not help. 打印机没有反应。\n" * 3
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class BenchDesk:
    """A running desk. `agents` are the ids of its agents; `tokens` of the people who act."""

    home: Path
    port: int = field(default_factory=free_port)
    temporal_port: int = field(default_factory=free_port)
    agents: list[str] = field(default_factory=list)
    agent_token: str = ""
    requester_token: str = ""
    admin_token: str = ""
    smtp_port: int | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def temporal_address(self) -> str:
        return f"127.0.0.1:{self.temporal_port}"

    def database_url(self, database: str = "duradesk") -> str:
        return EmbeddedPostgres(self.home).url(database)

    def connection(self, token: str | None = None) -> Connection:
        return Connection("127.0.0.1", self.port, token)

    async def start(self) -> float:
        """Starts it and gives the seconds until it was ready."""
        began = time.monotonic()
        self._spawn()
        while not await self._is_ready():
            if self._process.poll() is not None or time.monotonic() - began > 180:
                raise RuntimeError(self._log.read_text())
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    def _spawn(self) -> None:
        settings = {
            "HOME": str(self.home),
            "PORT": str(self.port),
            "TEMPORAL_PORT": str(self.temporal_port),
            "TEMPORAL_UI_PORT": str(free_port()),
            "ADMIN_PASSWORD": PASSWORD,
            "LOG_LEVEL": "WARNING",
            **({"SMTP_URL": f"smtp://127.0.0.1:{self.smtp_port}"} if self.smtp_port else {}),
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DURADESK_")}
        environment |= {f"DURADESK_{name}": value for name, value in settings.items()}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                (sys.executable, "-P", "-m", "cli.main", "up"), env=environment, stdout=log, stderr=log
            )

    @property
    def _log(self) -> Path:
        return self.home.parent / "up.log"

    async def _is_ready(self) -> bool:
        try:
            async with self.connection() as connection:
                return (await connection.get("/readyz")).status == 200
        except (OSError, asyncio.IncompleteReadError):
            return False

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    async def fill(self, agents: int) -> None:
        """Three teams with a category each, their agents, and somebody who asks."""
        self.admin_token = await self.sign_in("admin@desk.localhost")
        async with self.connection(self.admin_token) as admin:
            for name in TEAMS:
                (await admin.post("/api/v1/teams", {"name": name, "categories": [name]})).expect(201)
            for number in range(agents):
                person = {
                    "email": f"agent{number}@desk.example",
                    "name": f"Agent {number}",
                    "roles": ["agent"],
                    "teams": [TEAMS[number % len(TEAMS)]],
                    "capacity": CAPACITY,
                    "password": PASSWORD,
                }
                self.agents.append((await admin.post("/api/v1/people", person)).expect(201)["id"])
            asking = {"email": "asking@desk.example", "name": "Somebody", "password": PASSWORD}
            (await admin.post("/api/v1/people", asking)).expect(201)
        self.requester_token = await self.sign_in("asking@desk.example")
        self.agent_token = await self.sign_in("agent0@desk.example")

    async def sign_in(self, email: str) -> str:
        async with self.connection() as nobody:
            body = {"email": email, "password": PASSWORD}
            return str((await nobody.post("/api/v1/sessions", body)).expect(201)["token"])


def new_ticket(number: int = 0, **fields: Any) -> dict[str, Any]:
    """The body of a ticket as people write them; `number` spreads them over the teams."""
    ticket = {"subject": SUBJECT, "description": DESCRIPTION, "category": TEAMS[number % len(TEAMS)]}
    return {**ticket, "priority": "normal", **fields}


@asynccontextmanager
async def running_desk(
    agents: int = 30, keep: Path | None = None, smtp_port: int | None = None
) -> AsyncIterator[BenchDesk]:
    """A new desk with people in it (or none, for `agents` = 0); gone with all its data at the end. One in the folder
    `keep` stays there, and goes on the next time. Without a mail server mails are kept and not sent."""
    RUNS.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=RUNS)) if keep is None else keep
    folder.mkdir(parents=True, exist_ok=True)
    desk = BenchDesk(folder / "home", smtp_port=smtp_port)
    try:
        await desk.start()
        try:
            if agents:
                await desk.fill(agents)
            yield desk
        finally:
            await asyncio.to_thread(desk.stop)
    finally:
        if keep is None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


Call = Callable[[int], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Block:
    """A block of calls of several clients: how long each took, and all of them together, in seconds."""

    each: list[float]
    together: float


async def in_parallel(clients: Sequence[Call], count: int) -> Block:
    """`count` calls, shared out among the clients as each becomes free."""
    numbers, each = itertools.count(), list[float]()

    async def work(call: Call) -> None:
        while (number := next(numbers)) < count:
            began = time.perf_counter()
            await call(number)
            each.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(work(call) for call in clients))
    return Block(each, time.perf_counter() - began)
