"""A desk that listens on a port, with a worker, and the command run against it as a process of its own."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import text
from temporalio.client import Client

from api.app import create_app
from api.desk import Desk
from cli.administrator import ensure_administrator
from domain.queues import PROCESS
from runtime.settings import Settings
from storage.database import Database
from storage.sla import ensure_default_policy
from storage.survey.definition import ensure_default_survey
from tests.conftest import free_port
from workers.main import worker_for

COMMAND = (sys.executable, "-P", "-m", "cli.main")


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """Runs `duradesk` with these settings, as nobody in particular unless they say so."""

    def __init__(self, **settings: str) -> None:
        self.settings = settings

    async def start(self, *arguments: str, **settings: str) -> asyncio.subprocess.Process:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DURADESK_")}
        wanted = {**self.settings, **settings}
        environment |= {f"DURADESK_{name}": value for name, value in wanted.items()} | {"TZ": "Asia/Shanghai"}
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *COMMAND, *arguments, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
        )

    async def __call__(self, *arguments: str, stdin: bytes = b"", **settings: str) -> Done:
        """Runs it to its end. A traceback is a failure of the test."""
        process = await self.start(*arguments, **settings)
        return await finished(process, stdin)


async def finished(process: asyncio.subprocess.Process, stdin: bytes = b"") -> Done:
    async with asyncio.timeout(60):
        out, err = await process.communicate(stdin)
    assert b"Traceback" not in err, err.decode()
    return Done(process.returncode or 0, out.decode(), err.decode())


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # they are pytest's


class ListeningDesk:
    """An API on a port of its own, which may go away and come back."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.port = desk.settings.port
        self.terminal = Terminal(HOME=str(desk.settings.home), PORT=str(self.port))

    async def listen(self) -> None:
        config = uvicorn.Config(
            create_app(self.desk), log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = _Server(config)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", self.port))
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        async with asyncio.timeout(10):
            while not self._server.started:  # noqa: ASYNC110  uvicorn tells by a flag
                await asyncio.sleep(0.01)

    async def go_away(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        await self._serving
        self._socket.close()

    async def count(self, table: str) -> int:
        async with self.desk.database.reading() as reader:
            return int((await reader.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())

    async def wait_for(self, table: str, rows: int) -> None:
        """Until the table holds so many rows."""
        async with asyncio.timeout(30):
            while await self.count(table) < rows:  # noqa: ASYNC110  a table has no event
                await asyncio.sleep(0.02)


@pytest.fixture
async def listening(database: Database, temporal: Client, tmp_path: Path) -> AsyncIterator[ListeningDesk]:
    """A desk with an administrator and the default promises, on a port."""
    settings = Settings(home=tmp_path / "home", port=free_port())
    await ensure_administrator(database, settings)
    async with database.writing() as writer:
        await ensure_default_policy(writer)
        await ensure_default_survey(writer)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(worker_for(PROCESS, settings, database, temporal))
        desk = ListeningDesk(Desk(settings=settings, database=database, temporal=temporal))
        await desk.listen()
        stack.push_async_callback(desk.go_away)
        yield desk


@pytest.fixture
def duradesk(listening: ListeningDesk) -> Terminal:
    return listening.terminal


def write_lines(path: Path, *lines: Any) -> Path:
    """A file with these lines: bytes as they are, all else as JSON."""
    texts = [
        line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines
    ]
    path.write_bytes(b"".join(text + b"\n" for text in texts))
    return path
