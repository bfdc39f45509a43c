"""Stories of a bulk action: over real rows, with an action that only notes on which ticket it was done."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID, uuid4

from sqlalchemy import insert

from activities.bulk import BulkActivities
from domain import ids
from domain.account import Role
from domain.bulk import Bulk, BulkInput, ItemState, State
from domain.ticket.moves import Action
from storage.account import people
from storage.bulk import Bulks
from storage.tables.bulk import BulkItemRow, BulkRow
from tests.replay.stage import Stage, working
from tests.rows import insert_ticket
from workflows.bulk import BulkWorkflow

TICKETS = 90


async def pages(stage: Stage) -> Sequence[str]:
    """Three pages of tickets, and the look that finds no more."""
    return [(await carried_out(stage))[0]]


async def runs(stage: Stage) -> Sequence[str]:
    """The same over several runs."""
    return [(await carried_out(stage, history_limit=10))[0]]


async def carried_out(stage: Stage, history_limit: int | None = None) -> tuple[str, Counter[UUID]]:
    """The id of the process, and how often the action was done to each ticket."""
    done: Counter[UUID] = Counter()

    async def perform(bulk: Bulk, ticket_id: UUID, key: str) -> None:
        done[ticket_id] += 1

    bulk_id, queue = await _chosen(stage), f"test-{uuid4()}"
    activities = BulkActivities(Bulks(stage.database), perform)
    async with working(stage, queue, workflows=[BulkWorkflow], activities=[activities.carry_out]):
        await stage.client.execute_workflow(
            BulkWorkflow.run,
            BulkInput(bulk_id=bulk_id, history_limit=history_limit),
            id=ids.workflow_id("bulk", bulk_id),
            task_queue=queue,
        )
    return ids.workflow_id("bulk", bulk_id), done


async def _chosen(stage: Stage) -> UUID:
    """A bulk action on so many tickets that it takes several pages."""
    bulk_id, name = uuid4(), uuid4().hex[:8]
    values = {"email": f"{name}@desk.example", "name": name, "roles": [Role.AGENT]}
    async with stage.database.writing() as writer:
        person = await people.create_person(writer, values, teams=(), password=None)
    tickets = [
        await insert_ticket(stage.database, person.id, number=number) for number in range(1, TICKETS + 1)
    ]
    what = {"action": Action.TAG, "fields": {"add": ["disk"]}, "state": State.RUNNING, "total": TICKETS}
    items = [
        {"bulk_id": bulk_id, "position": position, "ticket_id": ticket, "state": ItemState.PENDING}
        for position, ticket in enumerate(tickets, 1)
    ]
    async with stage.database.writing() as writer:
        await writer.execute(insert(BulkRow).values(id=bulk_id, person_id=person.id, fingerprint="", **what))
        await writer.execute(insert(BulkItemRow), items)
    return bulk_id
