"""Training the classifier: a version is made, judged against those that were used so far, and put to use or not. Run by
a schedule each night, and when a manager asks for it."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.classifier import ClassifierActivities
from domain.classifier.evaluation import Outcome, judge
from domain.classifier.training import Conclusion, Result, Trained, TrainingInput, Wanted

_A_FEW_TIMES = RetryPolicy(maximum_interval=timedelta(minutes=5), maximum_attempts=10)
_UNTIL_WRITTEN = RetryPolicy(maximum_interval=timedelta(minutes=5))


@workflow.defn(name="Training")
class TrainingWorkflow:
    @workflow.run
    async def run(self, start: TrainingInput) -> Result:
        name = f"{workflow.info().workflow_id} {workflow.info().run_id}"
        try:
            trained = await workflow.execute_activity_method(
                ClassifierActivities.train,
                Wanted(run=name, asked=start.asked_by is not None),
                start_to_close_timeout=timedelta(hours=1),
                schedule_to_close_timeout=timedelta(hours=2),
                heartbeat_timeout=timedelta(seconds=30),
                retry_policy=_A_FEW_TIMES,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            trained = Trained(reason=Outcome.FAILED)
        return await workflow.execute_activity_method(
            ClassifierActivities.conclude,
            _conclusion(name, trained),
            start_to_close_timeout=timedelta(minutes=1),
            retry_policy=_UNTIL_WRITTEN,
        )


def _conclusion(run: str, trained: Trained) -> Conclusion:
    if trained.report is None:
        return Conclusion(run=run, outcome=trained.reason or Outcome.TOO_FEW_LABELS)
    outcome, back = judge(trained.report, held=trained.held)
    version = trained.version if outcome is Outcome.TAKEN else back
    return Conclusion(run=run, outcome=outcome, trained=trained.version, version=version, after=trained.after)
