"""Workers of a deployment: a ticket that is older than a version goes on with it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from domain.queues import PROCESS
from domain.ticket.moves import Action
from runtime.settings import Settings
from runtime.version import desk_version
from storage.database import Database
from storage.sla import ensure_default_policy
from tests.replay.stage import until
from tests.workflows.desk import TicketDesk
from workers.main import deployment, worker_for

SetCurrent = Callable[[str], Awaitable[None]]


@pytest.fixture
def name() -> str:
    return f"desk-{uuid4().hex[:8]}"


@pytest.fixture
async def set_current(temporal: Client, name: str) -> AsyncIterator[SetCurrent]:
    """Makes a version current once the server has seen its workers; none of them at the end."""

    async def make(build_id: str) -> None:
        request = SetWorkerDeploymentCurrentVersionRequest(
            namespace=temporal.namespace, deployment_name=name, build_id=build_id
        )

        async def done() -> bool:
            try:
                await temporal.workflow_service.set_worker_deployment_current_version(request)
            except RPCError:
                return False
            return True

        await until(done)

    yield make
    await make("")


async def builds(desk: TicketDesk, ticket_id: object) -> list[str]:
    """Which version completed each workflow task of the ticket."""
    events = (await desk.handle(ticket_id).fetch_history()).events  # type: ignore[arg-type]  # a UUID
    return [
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        for event in events
        if event.HasField("workflow_task_completed_event_attributes")
    ]


async def test_an_open_ticket_goes_on_with_the_version_that_becomes_current(
    temporal: Client, database: Database, tmp_path: Path, name: str, set_current: SetCurrent
) -> None:
    async with database.writing() as writer:
        await ensure_default_policy(writer)
    desk = TicketDesk(temporal, database, PROCESS)
    oldest, command = desk.command(), desk.command()
    async with worker_for(PROCESS, Settings(home=tmp_path), database, temporal):
        await desk.open(oldest)
    one, two = (
        Settings(home=tmp_path, deployment_name=name, build_id=build_id) for build_id in ("one", "two")
    )
    async with worker_for(PROCESS, one, database, temporal):
        await set_current("one")
        await desk.open(command)
    async with worker_for(PROCESS, two, database, temporal):
        await set_current("two")
        assert (await desk.act(command.ticket_id, Action.NOTE, body="still here")).version == 2
        await desk.act(oldest.ticket_id, Action.NOTE, body="opened before there were versions")
    for ticket_id, first in ((command.ticket_id, "one"), (oldest.ticket_id, "")):
        done = await builds(desk, ticket_id)
        assert (done[0], done[-1]) == (first, "two")


def test_workers_have_no_version_unless_a_deployment_is_named(tmp_path: Path) -> None:
    assert deployment(Settings(home=tmp_path)) is None
    named = deployment(Settings(home=tmp_path, deployment_name="desk"))
    assert named is not None
    assert named.version.build_id == desk_version()
