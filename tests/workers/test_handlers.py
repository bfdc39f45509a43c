"""What the relay hands over, on a real Temporal server."""

from uuid import uuid4

from temporalio.client import Client

from domain import ids
from domain.notification.delivery import outbox_key
from domain.ticket.fields import Priority
from storage.database import Database
from storage.outbox import OutboxMessage
from workers.handlers import Handlers


async def test_mails_are_started_until_one_ends_and_stand_behind_the_least_urgent_ticket(
    temporal: Client, database: Database
) -> None:
    row = OutboxMessage(1, "notification", outbox_key(uuid4(), 0), {})
    handlers = Handlers(database, temporal)
    await handlers.notification([row])
    handle = temporal.get_workflow_handle(ids.workflow_id("notification", row.key))
    first = await handle.describe()
    await handlers.notification([row, row])
    again = await handle.describe()
    assert again.run_id == first.run_id
    await handle.terminate()
    await handlers.notification([row])
    anew = await handle.describe()
    await handle.terminate()
    assert anew.run_id != first.run_id
    info = first.raw_description.workflow_execution_info
    assert info.priority.priority_key > max(priority.key for priority in Priority)
