"""Stories of a backfill and of a claim. What they are about stands in the database, so these processes know only
whether there is more, and when to look again."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from activities.achievement import AchievementActivities
from domain import ids
from domain.achievement.claim import ClaimAdvance, ClaimAdvanced, ClaimInput, ClaimState
from domain.achievement.record import BackfillInput
from tests.replay.stage import Stage, until, working
from workflows.achievement import BackfillWorkflow, ClaimWorkflow
from workflows.process import WAKE


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

    activities = AchievementActivities(look, nothing_due)
    async with working(stage, queue, workflows=[BackfillWorkflow], activities=[activities.look]):
        await stage.client.execute_workflow(
            BackfillWorkflow.run,
            BackfillInput(backfill_id=backfill_id, history_limit=history_limit),
            id=ids.workflow_id("backfill", backfill_id),
            task_queue=queue,
        )
    assert left == 0
    return ids.workflow_id("backfill", backfill_id)


async def nothing_due(wanted: ClaimAdvance) -> ClaimAdvanced:
    return ClaimAdvanced(state=ClaimState(over=True))


async def claim(stage: Stage) -> Sequence[str]:
    """It is woken before it has anything to wait for, then while it waits; a deadline comes; it is over."""
    return [await claimed(stage, (None, 60, 1), wakes=2)]


async def claim_runs(stage: Stage) -> Sequence[str]:
    """The same over several runs."""
    return [await claimed(stage, (None,) * 6, wakes=6, history_limit=10)]


async def claimed(
    stage: Stage, waits: Sequence[float | None], *, wakes: int, history_limit: int | None = None
) -> str:
    """The id of the process; it waits so many seconds after each look, and is over after the last."""
    left, given, claim_id, queue = list(waits), 0, uuid4(), f"test-{uuid4()}"

    async def advance(wanted: ClaimAdvance) -> ClaimAdvanced:
        nonlocal given
        given += 1
        if not left:
            return ClaimAdvanced(state=ClaimState(event_number=given, over=True))
        wait = left.pop(0)
        next_at = None if wait is None else wanted.now + timedelta(seconds=wait)
        return ClaimAdvanced(state=ClaimState(event_number=given, next_at=next_at))

    async def nobody(backfill_id: UUID) -> bool:
        return False

    activities = AchievementActivities(nobody, advance)
    async with working(stage, queue, workflows=[ClaimWorkflow], activities=[activities.advance]):
        handle = await stage.client.start_workflow(
            ClaimWorkflow.run,
            ClaimInput(claim_id=claim_id, history_limit=history_limit),
            id=ids.workflow_id("claim", claim_id),
            task_queue=queue,
        )
        for number in range(wakes):

            async def looked(times: int = number + 1) -> bool:
                return given >= times

            await until(looked)
            await stage.client.get_workflow_handle(handle.id).signal(WAKE)
        await stage.client.get_workflow_handle(handle.id).result()
    assert given > len(waits)  # a run that ends as it would begin anew looks once more
    return handle.id
