"""How every workflow persists and lives on: commits that survive an absent database, and clean ends of a run."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

Owner = TypeVar("Owner")
Input = TypeVar("Input")
Output = TypeVar("Output")

_QUICK = RetryPolicy(
    initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=1), maximum_attempts=3
)
_PATIENT = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


async def commit(
    activity: Callable[[Owner, Input], Awaitable[Output]], argument: Input, *, pinned: bool
) -> Output:
    """Runs an idempotent database activity until it succeeds; raises its own ApplicationError when a retry
    cannot help.

    What caused it may stand in the history already (a start, a timer, a signal). Then it runs locally while the
    database answers, which saves a hop and four events: if the workflow task is lost, the cause is still there
    and it runs again. An update stands in the history only when its first workflow task has ended, so its
    commit must be `pinned`: scheduled in the history, before it happens.
    """
    if pinned:
        return await _patiently(activity, argument)
    try:
        return await workflow.execute_local_activity_method(
            activity,
            argument,
            start_to_close_timeout=timedelta(seconds=4),
            schedule_to_close_timeout=timedelta(seconds=6),
            retry_policy=_QUICK,
        )
    except FailureError as error:
        _raise_if_permanent(error)
    return await _patiently(activity, argument)


async def _patiently(activity: Callable[[Owner, Input], Awaitable[Output]], argument: Input) -> Output:
    try:
        return await workflow.execute_activity_method(
            activity, argument, start_to_close_timeout=timedelta(seconds=30), retry_policy=_PATIENT
        )
    except ActivityError as error:
        _raise_if_permanent(error)
        raise


def _raise_if_permanent(error: FailureError) -> None:
    """Raises what no retry cures. A scheduled activity fails with an ActivityError around its cause, a local one
    that used up its attempts with the cause itself or with a timeout.
    """
    if is_cancelled_exception(error):
        raise error
    cause = error.cause if isinstance(error, ActivityError) else error
    if isinstance(cause, ApplicationError) and cause.non_retryable:
        raise cause


def wants_a_new_run(limit: int | None) -> bool:
    """Whether the history is long enough to continue as new; `limit` in events, else the server's advice."""
    info = workflow.info()
    if limit is not None and info.get_current_history_length() >= limit:
        return True
    return info.is_continue_as_new_suggested()


async def continue_as_new(argument: Callable[[], Any]) -> None:
    """Starts the next run when no handler is running. `argument` is asked last, when all state is final."""
    await workflow.wait_condition(workflow.all_handlers_finished)
    workflow.continue_as_new(argument())
