"""Stories of an absence."""

from collections.abc import Sequence
from uuid import uuid4

from activities.account import AccountActivities
from domain import ids
from storage import outbox
from tests.replay.stage import Stage, soon, working
from workflows.account import AbsenceInput, AbsenceWorkflow


async def passes(stage: Stage) -> Sequence[str]:
    """It begins soon and ends a little later."""
    return await _absent(stage, AbsenceInput(person_id=str(uuid4()), since=soon(1), until=soon(2.5)))


async def open_end(stage: Stage) -> Sequence[str]:
    """It began before anybody said so, and lasts until further notice."""
    return await _absent(stage, AbsenceInput(person_id=str(uuid4()), since=soon(-60)))


async def _absent(stage: Stage, absence: AbsenceInput) -> Sequence[str]:
    queue, workflow_id = f"test-{uuid4()}", ids.workflow_id("absence", absence.person_id)
    activities = AccountActivities(stage.database, outbox.put)
    async with working(stage, queue, workflows=[AbsenceWorkflow], activities=[activities.announce]):
        await stage.client.execute_workflow(AbsenceWorkflow.run, absence, id=workflow_id, task_queue=queue)
    return [workflow_id]
