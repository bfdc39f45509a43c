"""Calls to processes: one place that sets the time limits and reads the failures.

An update or query hangs while no worker polls, so every call has a limit; what it means when the limit is
reached is said here, once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.failure import as_desk_error
from api.errors import temporal_away
from domain.errors import Conflict, DeskError, Unavailable
from domain.process import MOVING

Answer = TypeVar("Answer")

LIMIT: Final = timedelta(seconds=8)
"""Of one call, and of all that the client does to carry it out."""

_FIRST_PAUSE: Final = 0.02
_LAST_PAUSE: Final = 0.32

_NOT_NOW: Final = frozenset(
    {
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        # The process is there, but its last tasks were lost with a worker; the next one will carry it on.
        RPCStatusCode.FAILED_PRECONDITION,
    }
)
# What the client says when its first connection fails, in an error without a class of its own.
_NOT_CONNECTED: Final = "Failed client connect"


class ProcessEnded(Conflict):
    """The process has ended, so nothing can change any more; reads come from the database."""

    def __init__(self) -> None:
        super().__init__("process_ended", "This is closed for good. Open a new one that refers to it.")


def process_lost() -> Unavailable:
    """The database knows something open that Temporal does not: one of them was restored without the other."""
    return Unavailable(
        "process_lost", "This is open, but its process is gone. Tell your operator.", retry_after=60
    )


async def ask(call: Awaitable[Answer]) -> Answer:
    """Awaits a call to a process and raises our own errors for what goes wrong."""
    try:
        async with asyncio.timeout(LIMIT.total_seconds()):
            return await call
    except TimeoutError as error:
        raise no_worker() from error
    except WorkflowUpdateFailedError as error:
        raise _refusal(error.cause) from error
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError, WorkflowAlreadyStartedError) as error:
        raise ProcessEnded from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise no_worker() from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise (temporal_away() if _lacks_namespace(error) else ProcessEnded()) from error
        if error.status in _NOT_NOW:
            raise no_worker() from error
        raise
    except RuntimeError as error:
        if not str(error).startswith(_NOT_CONNECTED):
            raise
        raise temporal_away() from error


async def begin(
    client: Client, start: WithStartWorkflowOperation[Any, Any], update: str, argument: Any
) -> None:
    """Starts a process, or finds the one that runs under its id, and waits for the answer to the update."""
    try:
        await ask(
            client.execute_update_with_start_workflow(
                update, argument, start_workflow_operation=start, rpc_timeout=LIMIT
            )
        )
    except Exception:
        _forget(start)
        raise


def _forget(operation: WithStartWorkflowOperation[Any, Any]) -> None:
    """For a start that failed: the client keeps the failure for whoever asks for the handle, and since nobody
    does, asyncio would log it with a stack.
    """
    asking = asyncio.ensure_future(operation.workflow_handle())
    asking.add_done_callback(lambda done: done.cancelled() or done.exception())


async def ask_again(send: Callable[[], Awaitable[Answer]]) -> Answer:
    """As `ask`, for an update that a process may put off for a moment because it moves to its next run."""
    clock, pause = asyncio.get_running_loop().time, _FIRST_PAUSE
    until = clock() + LIMIT.total_seconds()
    while True:
        try:
            return await ask(send())
        except DeskError as error:
            if error.code != MOVING or clock() + pause > until:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LAST_PAUSE)


def _lacks_namespace(error: RPCError) -> bool:
    """Right after its start, Temporal does not know its own namespaces for a moment."""
    return any(detail.Is(NamespaceNotFoundFailure.DESCRIPTOR) for detail in error.grpc_status.details)


def _refusal(cause: Any) -> Exception:
    known = as_desk_error(cause)
    if known is not None:
        return known
    if "completed" in str(cause).lower():
        return ProcessEnded()
    return Unavailable("process_failed", "The process could not do this now. Try again soon.")


def no_worker() -> Unavailable:
    return Unavailable(
        "no_worker",
        "No worker answered in time. What you asked for may still be carried out: repeat it with the same "
        "Idempotency-Key and it happens once.",
    )
