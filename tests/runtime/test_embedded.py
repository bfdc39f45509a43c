"""The embedded servers: they start, survive a kill with their data, and start on awkward paths."""

import asyncio
import sqlite3
import subprocess
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # ships no types
import psycopg
import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from runtime.embedded.postgres import SETTINGS, EmbeddedPostgres
from runtime.embedded.temporal import EmbeddedTemporal, copy_store
from runtime.settings import Settings
from runtime.supervisor import Supervisor
from runtime.temporal import RETENTION, connect, prepare_namespace, register_search_attributes
from tests.conftest import free_port


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    supervisor = Supervisor()
    yield supervisor
    await supervisor.stop()


async def test_postgres_keeps_what_was_committed_when_it_is_killed(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    server = EmbeddedPostgres(tmp_path / "home")
    await supervisor.start(server.program())
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    pid = supervisor.children["postgres"].pid
    assert pid
    psutil.Process(pid).kill()
    async with asyncio.timeout(20):
        while (now := supervisor.children["postgres"].pid) in (pid, None) or not await server.answers():  # noqa: ASYNC110  it has nobody to tell
            await asyncio.sleep(0.02)
    assert now != pid
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


async def test_postgres_starts_although_an_orphan_uses_its_data(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    server = EmbeddedPostgres(tmp_path / "home")
    server.prepare()
    program = server.program()
    user, group = program.run_as or (None, None)
    with subprocess.Popen(program.argv, cwd=server.data, user=user, group=group) as orphan:  # noqa: ASYNC220  returns at once
        async with asyncio.timeout(20):
            while not await server.answers():  # noqa: ASYNC110  it has nobody to tell
                await asyncio.sleep(0.02)
        await supervisor.start(server.program())
        assert orphan.poll() is not None
    assert await server.answers()


async def test_a_making_that_was_killed_is_made_anew(supervisor: Supervisor, tmp_path: Path) -> None:
    (tmp_path / "home" / "postgres.making" / "base").mkdir(parents=True)
    (tmp_path / "home" / "postgres.making" / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(tmp_path / "home")
    await supervisor.start(server.program())
    assert await server.answers()


async def test_postgres_runs_under_a_path_too_long_for_a_socket(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    home = tmp_path / ("long" * 30) / "客服 desk"
    server = EmbeddedPostgres(home)
    await supervisor.start(server.program())
    assert not server.socket_folder.is_relative_to(home)
    assert server.socket_folder.stat().st_mode & 0o077 == 0
    with psycopg.connect(server.url()) as connection:
        assert connection.info.dbname == "duradesk"
    await supervisor.stop()
    server.socket_folder.rmdir()


def test_every_commit_of_the_embedded_postgres_is_on_the_disk() -> None:
    assert SETTINGS["fsync"] == "on"
    assert SETTINGS["synchronous_commit"] == "on"
    assert SETTINGS["listen_addresses"] == ""


async def test_temporal_keeps_its_namespace_over_a_restart(tmp_path: Path) -> None:
    async def start() -> tuple[Supervisor, EmbeddedTemporal]:
        supervisor = Supervisor()
        server = EmbeddedTemporal(
            port=free_port(), database=tmp_path / "temporal.db", log_file=tmp_path / "temporal.log"
        )
        await supervisor.start(server.program("desk"))
        return supervisor, server

    for first in (True, False):
        supervisor, server = await start()
        try:
            client = await connect(Settings(temporal_address=server.address, temporal_namespace="desk"))
            if first:
                await prepare_namespace(client)
            await register_search_attributes(client)
            described = await client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace="desk")
            )
            assert described.config.workflow_execution_retention_ttl.ToTimedelta() == RETENTION
        finally:
            await supervisor.stop()


def test_the_store_is_copied_as_it_is_at_one_moment_while_it_is_written(tmp_path: Path) -> None:
    """Two rows are always written together; no copy may hold one without the other."""
    store, over = tmp_path / "temporal.db", threading.Event()
    with closing(sqlite3.connect(store)) as setup:
        setup.execute("PRAGMA journal_mode=WAL")
        setup.execute("CREATE TABLE pairs (number INTEGER)")
        setup.commit()

    def write() -> None:
        with closing(sqlite3.connect(store, timeout=30)) as connection:
            number = 0
            while not over.is_set():
                with connection:
                    connection.execute("INSERT INTO pairs VALUES (?)", [number])
                    connection.execute("INSERT INTO pairs VALUES (?)", [number])
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = []
        for copy in (tmp_path / f"copy{count}" for count in range(20)):
            copy_store(store, copy)
            with closing(sqlite3.connect(copy)) as connection:
                counts.append(connection.execute("SELECT count(*) FROM pairs").fetchone()[0])
            assert not copy.with_name(f"{copy.name}-wal").exists()
    finally:
        over.set()
        writer.join()
    assert all(count % 2 == 0 for count in counts)
    assert counts[-1] > counts[0]
