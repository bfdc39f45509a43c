"""Workers of a deployment: which version runs, and that a ticket that is older than a version goes on with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from httpx import AsyncClient
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import Unavailable
from domain.queues import DELIVERY, PROCESS
from domain.ticket.moves import Action
from runtime.settings import SettingError, Settings
from runtime.version import desk_version
from storage.database import Database
from storage.sla import ensure_default_policy
from tests.conftest import free_port
from tests.workflows.desk import TicketDesk
from workers.deployment import check_current, deployment, promote, version_of
from workers.health import checks, watched
from workers.main import worker_for

SOON = timedelta(seconds=30)


@pytest.fixture
async def name(temporal: Client) -> AsyncIterator[str]:
    """A deployment of which no version is current in the end, or its queues would be closed to other tests."""
    name = f"desk-{uuid4().hex[:8]}"
    yield name
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=temporal.namespace, deployment_name=name, ignore_missing_task_queues=True
    )
    try:
        await temporal.workflow_service.set_worker_deployment_current_version(request)
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise


@asynccontextmanager
async def working(settings: Settings, database: Database, temporal: Client) -> AsyncIterator[None]:
    """Workers of both queues."""
    async with (
        worker_for(PROCESS, settings, database, temporal),
        worker_for(DELIVERY, settings, database, temporal),
    ):
        yield


async def is_current(temporal: Client, settings: Settings) -> bool:
    version = version_of(settings)
    assert version is not None
    try:
        await check_current(temporal, version)
    except Unavailable:
        return False
    return True


async def no_figures() -> str:
    return ""


async def builds(desk: TicketDesk, ticket_id: object) -> list[str]:
    """Which version completed each workflow task of the ticket."""
    events = (await desk.handle(ticket_id).fetch_history()).events  # type: ignore[arg-type]  # a UUID
    return [
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        for event in events
        if event.HasField("workflow_task_completed_event_attributes")
    ]


async def test_an_open_ticket_goes_on_with_the_version_that_becomes_current(
    temporal: Client, database: Database, tmp_path: Path, name: str
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
    async with working(one, database, temporal):
        await promote(temporal, one, SOON)
        await desk.open(command)
        async with working(two, database, temporal):
            await promote(temporal, two, SOON)
            assert (await is_current(temporal, one), await is_current(temporal, two)) == (False, True)
            assert (await desk.act(command.ticket_id, Action.NOTE, body="still here")).version == 2
            await desk.act(oldest.ticket_id, Action.NOTE, body="opened before there were versions")
    for ticket_id, first in ((command.ticket_id, "one"), (oldest.ticket_id, "")):
        done = await builds(desk, ticket_id)
        assert (done[0], done[-1]) == (first, "two")


async def test_a_version_is_not_promoted_before_all_queues_have_its_workers(
    temporal: Client, database: Database, tmp_path: Path, name: str
) -> None:
    settings = Settings(home=tmp_path, deployment_name=name, build_id="half")
    async with worker_for(PROCESS, settings, database, temporal):
        with pytest.raises(Unavailable, match="no workers of duradesk-delivery that"):
            await promote(temporal, settings, timedelta(seconds=5))
        assert not await is_current(temporal, settings)


async def test_a_worker_is_ready_when_its_version_is_current(
    temporal: Client, database: Database, tmp_path: Path, name: str
) -> None:
    settings = Settings(home=tmp_path, deployment_name=name, build_id="new")
    address = f"127.0.0.1:{free_port()}"
    parts = checks(database, temporal, version_of(settings))
    async with watched(address, parts, no_figures), AsyncClient(base_url=f"http://{address}") as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()["parts"]["version"]) == (503, {"up": False})
        async with working(settings, database, temporal):
            await promote(temporal, settings, SOON)
            assert (await client.get("/readyz")).status_code == 200


async def test_workers_without_a_version_are_not_promoted(temporal: Client, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="DURADESK_DEPLOYMENT_NAME"):
        await promote(temporal, Settings(home=tmp_path), SOON)


def test_workers_have_no_version_unless_a_deployment_is_named(tmp_path: Path) -> None:
    assert deployment(Settings(home=tmp_path)) is None
    named = deployment(Settings(home=tmp_path, deployment_name="desk"))
    assert named is not None
    assert named.version.build_id == desk_version()
