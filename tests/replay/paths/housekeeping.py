"""The story of a tidying: one sweep after the other."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from activities.housekeeping import HousekeepingActivities
from adapters.objects import open_objects
from domain import ids
from tests.replay.stage import Stage, working
from workers.housekeeping import sweepers
from workflows.housekeeping import HousekeepingWorkflow


async def sweeps(stage: Stage) -> Sequence[str]:
    """Every kind of leftover, of which there is none."""
    queue, workflow_id = f"test-{uuid4()}", ids.workflow_id("housekeeping", str(uuid4()))
    with tempfile.TemporaryDirectory() as folder:
        activities = HousekeepingActivities(sweepers(stage.database, open_objects(Path(folder).as_uri())))
        async with working(stage, queue, workflows=[HousekeepingWorkflow], activities=[activities.sweep]):
            await stage.client.execute_workflow(HousekeepingWorkflow.run, id=workflow_id, task_queue=queue)
    return [workflow_id]
