"""Stories of a rollout of changed promises. The tickets that are told have no process, which is no harm."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from activities.sla import SlaActivities
from domain import ids
from domain.sla.rollout import RolloutInput
from storage.database import Reader
from storage.feedback.reconciliation import open_items
from tests.replay.stage import Stage, working
from workflows.sla import RolloutWorkflow

_TICKETS = [UUID(int=number) for number in range(1, 8)]


async def pages(stage: Stage) -> Sequence[str]:
    """Four pages of two, the last one not full."""
    return await _rolled_out(stage, RolloutInput())


async def runs(stage: Stage) -> Sequence[str]:
    """The same over several runs."""
    return await _rolled_out(stage, RolloutInput(history_limit=10))


async def _rolled_out(stage: Stage, start: RolloutInput) -> Sequence[str]:
    async def active_tickets(reader: Reader, after: UUID | None, size: int) -> list[UUID]:
        return [one for one in _TICKETS if after is None or one > after][:size]

    queue, workflow_id = f"test-{uuid4()}", ids.workflow_id("rollout", str(uuid4()))
    activities = SlaActivities(stage.database, stage.client, active_tickets, open_items, page=2)
    async with working(stage, queue, workflows=[RolloutWorkflow], activities=[activities.tell_tickets]):
        await stage.client.execute_workflow(RolloutWorkflow.run, start, id=workflow_id, task_queue=queue)
    return [workflow_id]
