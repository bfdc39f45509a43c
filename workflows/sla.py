"""The rollout of changed promises: page by page through all open tickets, surviving any restart."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.sla import SlaActivities
from domain.sla.rollout import RolloutInput
from workflows import durable

_RETRY = RetryPolicy(maximum_interval=timedelta(seconds=30))


@workflow.defn(name="Rollout")
class RolloutWorkflow:
    @workflow.run
    async def run(self, start: RolloutInput) -> None:
        after = start.after
        while True:
            after = await workflow.execute_activity_method(
                SlaActivities.tell_tickets,
                start.model_copy(update={"after": after}),
                start_to_close_timeout=timedelta(minutes=2),
                retry_policy=_RETRY,
            )
            if after is None:
                return
            if durable.wants_a_new_run(start.history_limit):
                workflow.continue_as_new(start.model_copy(update={"after": after}))
