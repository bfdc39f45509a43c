"""Housekeeping: one sweep after the other, each tried for hours. When it runs is said in `workers/schedules.py`."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.housekeeping import HousekeepingActivities
from domain.housekeeping import KEPT, Leftover, Sweep

_RETRY = RetryPolicy(maximum_interval=timedelta(minutes=5))


@workflow.defn(name="Housekeeping")
class HousekeepingWorkflow:
    @workflow.run
    async def run(self) -> dict[Leftover, int]:
        """How many leftovers of each kind were removed."""
        now = workflow.now()
        return {
            leftover: await workflow.execute_activity_method(
                HousekeepingActivities.sweep,
                Sweep(leftover=leftover, before=now - kept),
                start_to_close_timeout=timedelta(hours=1),
                schedule_to_close_timeout=timedelta(hours=4),
                heartbeat_timeout=timedelta(minutes=1),
                retry_policy=_RETRY,
            )
            for leftover, kept in KEPT.items()
        }
