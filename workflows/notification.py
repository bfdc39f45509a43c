"""The delivery of one mail as a process: it waits for the end of quiet hours, tries for days, and ends with the
mail sent or with a dead letter that people see and can send again.

Its id is `notification:<id>:<generation>`; a resend is a process of its own.
"""

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.notification import ALIVE_EVERY, NotificationActivities
from domain.notification.delivery import DeadLetter, NotificationInput, SendOutcome
from domain.queues import DELIVERY, PROCESS

PATIENCE: Final = timedelta(days=3)
"""How long an unreachable or busy mail server is tried."""

_ATTEMPT: Final = timedelta(seconds=90)
_SENDING: Final = RetryPolicy(
    initial_interval=timedelta(seconds=5), backoff_coefficient=2, maximum_interval=timedelta(minutes=15)
)
_NOTING: Final = RetryPolicy(maximum_interval=timedelta(minutes=1))


@workflow.defn(name="Notification")
class NotificationWorkflow:
    @workflow.run
    async def run(self, job: NotificationInput) -> SendOutcome:
        await _wait(job)
        try:
            return await _send(job)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            await _give_up(job, _code(error))
            return SendOutcome.DEAD


async def _wait(job: NotificationInput) -> None:
    if job.send_after is not None and job.send_after > workflow.now():
        await workflow.sleep(job.send_after - workflow.now())


async def _send(job: NotificationInput) -> SendOutcome:
    return await workflow.execute_activity_method(
        NotificationActivities.send,
        job,
        task_queue=DELIVERY,
        start_to_close_timeout=_ATTEMPT,
        schedule_to_close_timeout=PATIENCE,
        heartbeat_timeout=3 * ALIVE_EVERY,
        retry_policy=_SENDING,
    )


async def _give_up(job: NotificationInput, code: str) -> None:
    """Tried until it is noted: a mail never vanishes silently."""
    await workflow.execute_activity_method(
        NotificationActivities.give_up,
        DeadLetter(notification_id=job.notification_id, generation=job.generation, code=code),
        task_queue=PROCESS,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_NOTING,
    )


def _code(error: BaseException) -> str:
    """The code of the last failure; a delivery that nobody took up in time has none of its own."""
    cause = error.__cause__
    while cause is not None:
        if isinstance(cause, ApplicationError) and cause.type:
            return cause.type
        cause = cause.__cause__
    return "delivery_timeout"
