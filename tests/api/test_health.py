"""Readiness tells which part is missing, and is met once a worker polls."""

import asyncio
from dataclasses import replace
from typing import Any, cast

from httpx import ASGITransport, AsyncClient
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from api.app import create_app
from api.desk import Desk
from domain.queues import PROCESS
from runtime.settings import Settings
from runtime.temporal import connect
from tests.api.conftest import Api
from tests.conftest import free_port


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
    assert parts["delivery"] == {"up": False, "detail": "No worker polls the queue duradesk-delivery."}


async def test_readiness_tells_that_temporal_is_down(desk: Desk) -> None:
    nowhere = await connect(Settings(temporal_address=f"127.0.0.1:{free_port()}"), lazy=True)
    async with AsyncClient(
        transport=ASGITransport(cast(Any, create_app(replace(desk, temporal=nowhere)))),
        base_url="http://desk",
    ) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert [name for name, part in answer.json()["parts"].items() if part["up"]] == ["database"]
