"""A backfill: everybody is looked at for one achievement, page by page, surviving any restart. How far it is stands in
the database, and so does whether it was cancelled."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.achievement import AchievementActivities
from domain.achievement.record import BackfillInput
from workflows import durable

_RETRY = RetryPolicy(maximum_interval=timedelta(seconds=30))


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
