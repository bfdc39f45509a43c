"""What the answers of Temporal mean to a caller: a process that has ended is for good, all else may be repeated."""

from collections.abc import Awaitable
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from api.temporal import ProcessEnded, ask
from domain.errors import Unavailable
from runtime.settings import Settings
from runtime.temporal import connect


async def failing(status: RPCStatusCode) -> None:
    raise RPCError(
        "Unable to perform workflow execution update due to Workflow Task in failed state.", status, b""
    )


def update(client: Client, workflow_id: str) -> Awaitable[object]:
    return client.get_workflow_handle(workflow_id).execute_update("act", rpc_timeout=timedelta(seconds=5))


async def test_a_process_whose_tasks_were_lost_is_asked_again() -> None:
    """It runs on with the next task: nobody may be told that the ticket is closed for good."""
    with pytest.raises(Unavailable, match="may still be carried out"):
        await ask(failing(RPCStatusCode.FAILED_PRECONDITION))


async def test_a_process_that_temporal_does_not_know_has_ended(temporal: Client) -> None:
    with pytest.raises(ProcessEnded):
        await ask(update(temporal, f"ticket:{uuid4()}"))


async def test_a_temporal_that_does_not_know_its_namespace_yet_is_away(temporal: Client) -> None:
    elsewhere = await connect(
        Settings(temporal_address=temporal.service_client.config.target_host, temporal_namespace="not-yet"),
        lazy=True,
    )
    with pytest.raises(Unavailable, match="do not answer"):
        await ask(update(elsewhere, "ticket:any"))
