"""Readiness tells which part is missing, and is met once a worker polls."""

import asyncio

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from domain.queues import PROCESS
from tests.api.conftest import Api


@workflow.defn
class Nothing:
    @workflow.run
    async def run(self) -> None:
        return None


async def test_the_desk_is_ready_when_a_worker_polls(client: Api, temporal: Client) -> None:
    worker = Worker(
        temporal,
        task_queue=PROCESS,
        workflows=[Nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker, asyncio.timeout(10):
        answer = await client.get("/readyz")
        while answer.status_code != 200:  # until the first poll has reached the server
            answer = await client.get("/readyz")
    parts = answer.json()["parts"]
    assert answer.json()["status"] == "ready"
    assert [name for name, part in parts.items() if part["up"]] == ["database", "temporal", "workers"]
