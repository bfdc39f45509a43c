"""Reconciliation: page by page through all tickets, then all feedback, then all contests, that should have a process.
Run by a schedule each hour, and in full after Temporal's store was lost or restored (`duradesk process rebuild`)."""

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.reconciliation import ReconciliationActivities
from domain.reconciliation import Page, ReconciliationInput, Totals
from workflows import durable

TOTALS: Final = "totals"

_RETRY = RetryPolicy(maximum_interval=timedelta(seconds=30))


@workflow.defn(name="Reconciliation")
class ReconciliationWorkflow:
    @workflow.init
    def __init__(self, start: ReconciliationInput) -> None:
        self._totals = start.totals

    @workflow.run
    async def run(self, start: ReconciliationInput) -> Totals:
        after, full, of = start.after, start.full, start.of
        if full and after is None and of == "ticket":
            await workflow.execute_activity_method(
                ReconciliationActivities.repeat,
                start_to_close_timeout=timedelta(minutes=1),
                retry_policy=_RETRY,
            )
        while True:
            seen = await workflow.execute_activity_method(
                ReconciliationActivities.page,
                Page(full=full, of=of, after=after, hour=int(workflow.now().timestamp() // 3600)),
                start_to_close_timeout=timedelta(minutes=10),
                heartbeat_timeout=timedelta(minutes=1),
                retry_policy=_RETRY,
            )
            self._totals = self._totals.plus(seen.totals)
            if seen.last is None and seen.then is None:
                return self._totals
            after, of = seen.last, of if seen.then is None else seen.then
            if durable.wants_a_new_run(start.history_limit):
                rest = start.model_copy(update={"of": of, "after": after, "totals": self._totals})
                workflow.continue_as_new(rest)

    @workflow.query(name=TOTALS)
    def totals(self) -> Totals:
        return self._totals
