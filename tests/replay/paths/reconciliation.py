"""Stories of reconciliation: over real tickets, a few on each page."""

from collections.abc import Sequence
from uuid import uuid4

from activities.reconciliation import ReconciliationActivities
from domain import ids
from domain.reconciliation import ReconciliationInput
from tests.replay.stage import Stage, working
from tests.workflows.desk import running
from workers.registry import COMPARED
from workflows.reconciliation import ReconciliationWorkflow


async def ordinary(stage: Stage) -> Sequence[str]:
    """An hour's run over several pages."""
    return [await _reconciled(stage, ReconciliationInput())]


async def full(stage: Stage) -> Sequence[str]:
    """A run that also repeats what the durable side was asked for, over several runs of the process."""
    return [await _reconciled(stage, ReconciliationInput(full=True, history_limit=10))]


async def _reconciled(stage: Stage, start: ReconciliationInput) -> str:
    queue, workflow_id = f"test-{uuid4()}", ids.workflow_id("reconciliation", str(uuid4()))
    activities = ReconciliationActivities(stage.database, stage.client, COMPARED, size=2)
    async with (
        running(stage.client, stage.database) as desk,
        working(
            stage,
            queue,
            workflows=[ReconciliationWorkflow],
            activities=[activities.page, activities.repeat],
        ),
    ):
        for _ in range(5):
            await desk.open(desk.command())
        await stage.client.execute_workflow(
            ReconciliationWorkflow.run, start, id=workflow_id, task_queue=queue
        )
    return workflow_id
