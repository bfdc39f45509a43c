"""Backfills and claims, as durable processes.

A backfill looks at everybody for one achievement, page by page, surviving any restart. How far it is stands in the
database, and so does whether it was cancelled. A claim waits for what is due about a prize, and looks whenever
somebody has moved it, or its award is held no more; it ends with its claim, and whoever moves that again starts it.
"""

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.achievement import AchievementActivities
from domain.achievement.claim import ClaimAdvance, ClaimAdvanced, ClaimInput, ClaimState
from domain.achievement.record import BackfillInput
from domain.errors import DeskError
from workflows import durable
from workflows.process import Advancing

_RETRY: Final = RetryPolicy(maximum_interval=timedelta(seconds=30))


@workflow.defn(name="Backfill")
class BackfillWorkflow:
    @workflow.run
    async def run(self, start: BackfillInput) -> None:
        while await workflow.execute_activity_method(
            AchievementActivities.look,
            start.backfill_id,
            start_to_close_timeout=timedelta(minutes=2),
            retry_policy=_RETRY,
        ):
            if durable.wants_a_new_run(start.history_limit):
                workflow.continue_as_new(start)


@workflow.defn(name="Claim", failure_exception_types=[DeskError])
class ClaimWorkflow(Advancing[ClaimInput, ClaimState]):
    @workflow.init
    def __init__(self, start: ClaimInput) -> None:
        super().__init__(start, start.state)

    @workflow.run
    async def run(self, start: ClaimInput) -> None:
        await self._take()
        while not self._state.over:
            await self._something_happens()
            await self._take()

    async def _advance(self) -> ClaimAdvanced:
        wanted = ClaimAdvance(claim_id=self._start.claim_id, now=workflow.now())
        return await durable.commit(AchievementActivities.advance, wanted, pinned=False)

    async def _something_happens(self) -> None:
        """Somebody moved it, its award has changed, or what it waits for is due."""
        due_at = self._state.next_at
        wait = None if due_at is None else max(due_at - workflow.now(), timedelta(0))
        try:
            await workflow.wait_condition(lambda: self._woken, timeout=wait)
        except TimeoutError:
            return
