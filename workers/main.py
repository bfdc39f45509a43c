"""Runs workers until they are told to stop: one for each queue, and the relay beside the process queue."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from domain.queues import DELIVERY, PROCESS
from runtime.metrics import metered_runtime
from runtime.settings import Settings
from runtime.temporal import check_key, connect
from storage.database import Database
from workers.deployment import deployment, version_of
from workers.handlers import Handlers
from workers.health import checks, watched
from workers.registry import work_of
from workers.relay import Relay
from workers.runner import RUNNER
from workers.schedules import ensure_schedules

_log = structlog.get_logger()

CACHED_WORKFLOWS: Final = 2000
MAILS_PER_SECOND: Final = 50.0
WORKFLOW_TASKS: Final = 8
"""At once. A task has ten seconds from the moment it is taken, and they share one interpreter: after a restart each
replays its process, up to a quarter of a CPU second. Those that wait here for their turn behind too many others run out
of time, are handed out again, and on a busy machine soon nothing else happens."""


def worker_for(queue: str, settings: Settings, database: Database, client: Client) -> Worker:
    """A worker of one queue. The delivery queue is slowed down for the mail server's sake."""
    work = work_of(queue, settings, database, client)
    delivering = queue == DELIVERY
    return Worker(
        client,
        task_queue=queue,
        workflows=work.workflows,
        activities=work.activities,
        workflow_runner=RUNNER,
        max_cached_workflows=0 if delivering else CACHED_WORKFLOWS,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS,
        max_concurrent_activities=20,
        max_concurrent_local_activities=None if delivering else 20,
        max_task_queue_activities_per_second=MAILS_PER_SECOND if delivering else None,
        disable_eager_activity_execution=delivering,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        graceful_shutdown_timeout=settings.drain,
        deployment_config=deployment(settings),
    )


async def run_workers(settings: Settings, queues: Sequence[str]) -> None:
    """Runs until cancelled; then finishes what has begun, on all queues at once, as long as draining may take."""
    database = Database(settings.database_url)
    runtime, page = metered_runtime()
    client = await connect(settings, runtime=runtime)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        await check_key(client, settings)
        if settings.metrics_address:
            parts = checks(database, client, version_of(settings))
            await stack.enter_async_context(watched(settings.metrics_address, parts, page))
        until_told: Awaitable[object] = asyncio.get_running_loop().create_future()
        if PROCESS in queues:
            await ensure_schedules(client)
            relay = Relay(database, Handlers(database, client).by_topic())
            task = asyncio.create_task(relay.run())
            stack.push_async_callback(_cancel, task)
            # A relay that ends ends the process, and the process is started again: without a relay, mails and
            # signals would lie in the outbox while everything looks well. It outlives the workers, who feed it.
            until_told = asyncio.shield(task)
        async with _polling([worker_for(queue, settings, database, client) for queue in queues]):
            _log.info("workers_polling", queues=queues)
            await until_told


@asynccontextmanager
async def _polling(workers: Sequence[Worker]) -> AsyncIterator[None]:
    """Starts one after the other, stops all at the same time."""
    stacks = [AsyncExitStack() for _ in workers]
    try:
        for stack, worker in zip(stacks, workers, strict=True):
            await stack.enter_async_context(worker)
        yield
    finally:
        await asyncio.gather(*(stack.aclose() for stack in stacks))


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
