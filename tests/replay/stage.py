"""Where the paths are played to be recorded: a real Temporal server and a real database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.worker import Worker

from storage.database import Database
from workers.runner import RUNNER

_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    client: Client
    database: Database


Path = Callable[[Stage], Awaitable[Sequence[str]]]
"""Plays one story; gives the ids of the processes that it is about."""


async def until(met: Callable[[], Awaitable[object]]) -> None:
    """Asks until the answer is yes: what is waited for is done by another process and tells nobody."""
    async with asyncio.timeout(_PATIENCE):
        while not await met():  # noqa: ASYNC110  another process tells by the database only
            await asyncio.sleep(0.05)


def soon(seconds: float = 1.5) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@asynccontextmanager
async def working(stage: Stage, queue: str, **work: Any) -> AsyncIterator[None]:
    """A worker of a queue with the desk's own sandbox."""
    async with Worker(stage.client, task_queue=queue, workflow_runner=RUNNER, **work):
        yield


async def histories(client: Client, workflow_id: str) -> list[WorkflowHistory]:
    """The histories of all runs of a process, the first run first."""
    found: list[WorkflowHistory] = []
    run_id: str | None = None
    while True:
        handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(workflow_id, run_id=run_id)
        history = await handle.fetch_history()
        found.insert(0, history)
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        if not run_id:
            return found
