"""A process and its keys: nothing readable in the history, and a lost key that comes back loses nothing."""

import asyncio
from uuid import uuid4

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from domain.ticket.moves import Action
from runtime.embedded.temporal import EmbeddedTemporal
from runtime.keys import new_key
from runtime.settings import Settings
from runtime.temporal import connect
from storage.database import Database
from tests.workflows.desk import running

OLD, NEW = new_key(), new_key()
SECRET = "打印机 printer-9c1f"


async def client_with(server: EmbeddedTemporal, *keys: str) -> Client:
    return await connect(Settings(temporal_address=server.address, encryption_key=" ".join(keys)))


async def test_a_history_shows_nothing_of_what_people_wrote(
    temporal_server: EmbeddedTemporal, temporal: Client, database: Database
) -> None:
    async with running(await client_with(temporal_server, OLD.text), database) as desk:
        command = desk.command(subject=SECRET, description=SECRET)
        await desk.open(command)
        await desk.act(command.ticket_id, Action.NOTE, body=SECRET)
    history = await temporal.get_workflow_handle(f"ticket:{command.ticket_id}").fetch_history()
    written = b"".join(event.SerializeToString() for event in history.events)
    assert SECRET.encode() not in written
    assert SECRET.encode("unicode_escape") not in written
    assert b"lin.wei" not in written
    assert OLD.id.encode() in written


async def test_without_the_key_a_process_waits_and_with_it_goes_on(
    temporal_server: EmbeddedTemporal, database: Database
) -> None:
    queue = f"test-{uuid4()}"
    async with running(
        await client_with(temporal_server, OLD.text), database, queue=queue, max_cached_workflows=0
    ) as desk:
        command = desk.command()
        await desk.open(command)
        handle = desk.handle(command.ticket_id)

    async with running(
        await client_with(temporal_server, NEW.text), database, queue=queue, max_cached_workflows=0
    ) as keyless:
        waiting = asyncio.create_task(keyless.act(command.ticket_id, Action.NOTE, body="kept"))
        assert OLD.id in await _failed_task(handle)
        assert not waiting.done()

    both = await client_with(temporal_server, NEW.text, OLD.text)
    async with running(both, database, queue=queue, max_cached_workflows=0) as desk:
        assert (await waiting).version == 2
        assert (await desk.act(command.ticket_id, Action.NOTE, body="and more")).version == 3


async def _failed_task(handle: WorkflowHandle[object, object]) -> str:
    """What the first failed workflow task says, as anybody sees it."""
    async with asyncio.timeout(30):
        while True:
            history = await handle.fetch_history()
            for event in history.events:
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                    return str(event.workflow_task_failed_event_attributes.failure)
            await asyncio.sleep(0.05)
