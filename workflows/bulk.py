"""A bulk action: page by page through its tickets, surviving any restart. Its progress stands in the database,
and so does whether it was cancelled."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.bulk import BulkActivities
from domain.bulk import BulkInput
from workflows import durable

_RETRY = RetryPolicy(maximum_interval=timedelta(seconds=30))


@workflow.defn(name="Bulk")
class BulkWorkflow:
    @workflow.run
    async def run(self, start: BulkInput) -> None:
        while await workflow.execute_activity_method(
            BulkActivities.carry_out,
            start.bulk_id,
            start_to_close_timeout=timedelta(minutes=10),
            heartbeat_timeout=timedelta(seconds=30),
            retry_policy=_RETRY,
        ):
            if durable.wants_a_new_run(start.history_limit):
                workflow.continue_as_new(start)
