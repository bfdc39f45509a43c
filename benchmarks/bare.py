"""The peer that creating a ticket is measured against: the least that is durable.

A workflow is started by an update, the update awaits one local activity, the activity is one INSERT. It runs
on the same Temporal server and the same PostgreSQL as the desk, in a worker process of its own with the same
poller, sandbox and cache settings, and is driven by the Temporal client without HTTP. `touch` is the least
that a transition can be: an update that awaits one activity with one UPDATE, so that a lost workflow task
cannot forget it.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import psycopg
import uvloop
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel
from temporalio import activity, workflow
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from benchmarks.desk import DESCRIPTION, SUBJECT, BenchDesk

QUEUE: Final = "bench-bare"
DATABASE: Final = "bench_bare"
_SHARED = ("benchmarks", "domain", "runtime", "pydantic", "pydantic_core", "annotated_types")
_WITHIN = timedelta(seconds=10)


class Bare(BaseModel):
    id: UUID
    subject: str
    description: str


class Inserts:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    @activity.defn
    async def insert(self, bare: Bare) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(
                "INSERT INTO bare (id, subject, description) VALUES (%s, %s, %s)",
                (bare.id, bare.subject, bare.description),
            )

    @activity.defn
    async def touch(self, bare_id: UUID) -> None:
        async with self._pool.connection() as connection:
            await connection.execute("UPDATE bare SET touched = touched + 1 WHERE id = %s", (bare_id,))


@workflow.defn(name="Bare")
class BareWorkflow:
    @workflow.init
    def __init__(self, bare: Bare) -> None:
        self._bare = bare
        self._closed = False

    @workflow.run
    async def run(self, bare: Bare) -> None:
        await workflow.wait_condition(lambda: self._closed)

    @workflow.update
    async def opened(self) -> None:
        await workflow.execute_local_activity_method(
            Inserts.insert, self._bare, start_to_close_timeout=timedelta(seconds=4)
        )

    @workflow.update
    async def touch(self) -> None:
        await workflow.execute_activity_method(
            Inserts.touch, self._bare.id, start_to_close_timeout=timedelta(seconds=30)
        )


class BareClient:
    """Does what the desk does, without the desk."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def create(self, _number: int = 0) -> UUID:
        bare = Bare(id=uuid4(), subject=SUBJECT, description=DESCRIPTION)
        operation = WithStartWorkflowOperation(
            BareWorkflow.run,
            bare,
            id=f"bare:{bare.id}",
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
        await self._client.execute_update_with_start_workflow(
            BareWorkflow.opened, start_workflow_operation=operation, rpc_timeout=_WITHIN
        )
        return bare.id

    async def touch(self, bare_id: UUID) -> None:
        handle = self._client.get_workflow_handle(f"bare:{bare_id}")
        await handle.execute_update(BareWorkflow.touch, rpc_timeout=_WITHIN)


@asynccontextmanager
async def running_peer(desk: BenchDesk) -> AsyncIterator[tuple[BareClient, int]]:
    """The peer beside a running desk, and the process id of its worker."""
    with psycopg.connect(desk.database_url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    url = desk.database_url(DATABASE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE bare (id uuid PRIMARY KEY, subject text NOT NULL, description text NOT NULL,"
            " touched integer NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now())"
        )
    command = (sys.executable, "-c", "from benchmarks.bare import work; work()", desk.temporal_address, url)
    worker = _spawned(command)
    try:
        client = await Client.connect(desk.temporal_address, data_converter=pydantic_data_converter)
        yield BareClient(client), worker.pid
    finally:
        worker.terminate()
        await asyncio.to_thread(worker.wait, 20)


def _spawned(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=Path(__file__).parents[1])


def work() -> None:
    """The peer's worker process: `work ADDRESS DATABASE_URL`."""
    with suppress(KeyboardInterrupt):
        uvloop.run(_work(*sys.argv[1:]))


async def _work(address: str, url: str) -> None:
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*_SHARED)
    async with AsyncConnectionPool(url, min_size=10, max_size=20, open=False) as pool:
        inserts = Inserts(pool)
        async with Worker(
            client,
            task_queue=QUEUE,
            workflows=[BareWorkflow],
            activities=[inserts.insert, inserts.touch],
            workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
            max_cached_workflows=2000,
            max_concurrent_activities=20,
            max_concurrent_local_activities=20,
            workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
            activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        ):
            await asyncio.Event().wait()
