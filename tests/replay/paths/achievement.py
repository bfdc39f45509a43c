"""Stories of a backfill. How far it is stands in the database, so the process knows only whether there is more."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from activities.achievement import AchievementActivities
from domain import ids
from domain.achievement.record import BackfillInput
from tests.replay.stage import Stage, working
from workflows.achievement import BackfillWorkflow


async def pages(stage: Stage) -> Sequence[str]:
    """Three pages."""
    return [await backfilled(stage, 3)]


async def runs(stage: Stage) -> Sequence[str]:
    """Many pages over several runs."""
    return [await backfilled(stage, 6, history_limit=10)]


async def backfilled(stage: Stage, count: int, history_limit: int | None = None) -> str:
    """The id of the process, after so many pages."""
    left, backfill_id, queue = count, uuid4(), f"test-{uuid4()}"

    async def look(wanted: UUID) -> bool:
        nonlocal left
        left -= 1
        return left > 0

    activities = AchievementActivities(look)
    async with working(stage, queue, workflows=[BackfillWorkflow], activities=[activities.look]):
        await stage.client.execute_workflow(
            BackfillWorkflow.run,
            BackfillInput(backfill_id=backfill_id, history_limit=history_limit),
            id=ids.workflow_id("backfill", backfill_id),
            task_queue=queue,
        )
    assert left == 0
    return ids.workflow_id("backfill", backfill_id)
