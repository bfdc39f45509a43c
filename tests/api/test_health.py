"""Readiness tells which part is missing, and is met once a worker polls."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest
from httpx import ASGITransport, AsyncClient
from temporalio import workflow
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from api.app import create_app
from api.desk import Desk
from domain.queues import PROCESS
from runtime.settings import Settings
from runtime.temporal import connect
from tests.conftest import free_port


@workflow.defn
class Nothing:
    @workflow.run
    async def run(self) -> None:
        return None


@pytest.fixture
async def unpolled(temporal: Client, desk: Desk) -> Desk:
    """A desk in a namespace of its own, where no worker of another test has been."""
    namespace = f"health-{uuid4().hex[:8]}"
    request = RegisterNamespaceRequest(namespace=namespace)
    request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
    await temporal.workflow_service.register_namespace(request)
    address = temporal.service_client.config.target_host
    return replace(
        desk, temporal=await connect(Settings(temporal_address=address, temporal_namespace=namespace))
    )


async def test_the_desk_is_ready_when_a_worker_polls(unpolled: Desk) -> None:
    worker = Worker(
        unpolled.temporal,
        task_queue=PROCESS,
        workflows=[Nothing],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    transport = ASGITransport(cast(Any, create_app(unpolled)))
    async with AsyncClient(transport=transport, base_url="http://desk") as client:
        answer = await client.get("/readyz")
        assert answer.json()["parts"]["workers"]["up"] is False
        async with worker, asyncio.timeout(30):
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
