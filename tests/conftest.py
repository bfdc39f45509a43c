"""Fixtures of every test: a real PostgreSQL, a real Temporal server, a time-skipping one. Each starts once
for a test process, on first use, with folders and ports of its own, so test processes run side by side.
"""

import contextlib
import os
import random
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Final

import hypothesis
import pytest
import structlog
from sqlalchemy import text
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from runtime.codec import data_converter
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.keys import Keys
from runtime.settings import Settings
from runtime.supervisor import Supervisor
from runtime.temporal import connect, prepare_namespace, register_search_attributes
from storage.database import Base, Database
from storage.migrate import create_schema

# A busy machine is slow, which says nothing about what a property test looks for.
hypothesis.settings.register_profile(
    "desk", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("desk")

# A stack with all local variables takes minutes to render when they hold what a test sends.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

# A test database need not survive a power failure.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB"}


_PORTS: Final = cycle(random.Random(os.getpid()).sample(range(12_000, 32_000), 20_000))
"""Each process that runs tests has an order of its own, below the ports that the system gives to connections."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now, and that no test is given soon again."""
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("ports never end")


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder with a short path, for sockets and data of servers."""
    with tempfile.TemporaryDirectory(prefix="duradesk-test-", ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


@pytest.fixture(scope="session")
async def postgres_server(short_folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """One PostgreSQL for this test process, without any table of ours."""
    server = EmbeddedPostgres(short_folder, settings=_FAST)
    supervisor = Supervisor()
    try:
        await supervisor.start(server.program())
        yield server
    finally:
        await supervisor.stop()


@pytest.fixture(scope="session")
async def postgres_url(postgres_server: EmbeddedPostgres) -> str:
    """A database with all tables, shared by the tests of this process; `database` empties it after each."""
    postgres_server.create_database("desk_test")
    url = postgres_server.url("desk_test")
    create_schema(url)
    return url


@pytest.fixture(scope="session")
async def _shared_database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url)
    yield database
    await database.close()


@pytest.fixture
async def database(_shared_database: Database) -> AsyncIterator[Database]:
    """Our database, with no rows when a test begins."""
    yield _shared_database
    names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    if names:
        async with _shared_database.engine.begin() as connection:
            await connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))


@asynccontextmanager
async def running_temporal(log_file: Path) -> AsyncIterator[EmbeddedTemporal]:
    """A Temporal server in memory."""
    server = EmbeddedTemporal(port=free_port(), log_file=log_file)
    supervisor = Supervisor()
    try:
        await supervisor.start(server.program())
        yield server
    finally:
        await supervisor.stop()


@pytest.fixture(scope="session")
async def temporal_server(short_folder: Path) -> AsyncIterator[EmbeddedTemporal]:
    """One Temporal server for this test process."""
    async with running_temporal(short_folder / "log" / "temporal.log") as server:
        yield server


@pytest.fixture(scope="session")
async def temporal(temporal_server: EmbeddedTemporal) -> Client:
    """A client of a real Temporal server whose namespace is ready for our workflows."""
    return await ready_client(temporal_server)


async def ready_client(server: EmbeddedTemporal) -> Client:
    client = await connect(Settings(temporal_address=server.address))
    await prepare_namespace(client)
    await register_search_attributes(client)
    return client


@pytest.fixture(scope="session")
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server whose clock jumps to the next timer. It has no lists and no schedules."""
    path = Path(sys.executable).parent / "temporal-test-server"
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(path), data_converter=data_converter(Keys, "default")
    ) as environment:
        yield environment


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests recorded as their `summary` is shown at the end, from all processes."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "summary" and report.when == "call":
                    terminalreporter.write_line(str(value))
