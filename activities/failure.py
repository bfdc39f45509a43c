"""Errors on their way to Temporal: the only place where a kind of error meets a retry.

The thrower knows whether a retry helps (`DeskError.retryable`). The message of the error reaches workflow
histories, so it is the error's `detail`, which names no person.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from temporalio.exceptions import ApplicationError

from domain.errors import DeskError

P = ParamSpec("P")
R = TypeVar("R")


def as_application_error(error: DeskError) -> ApplicationError:
    """The error as Temporal carries it: the code is its type, its detail what a problem document needs."""
    details = {"kind": error.kind, "detail": error.detail, "field": error.field, "extra": error.extra}
    return ApplicationError(error.detail, details, type=error.code, non_retryable=not error.retryable)


def translated(method: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Lets an activity raise the errors of the domain. Goes under `@activity.defn`."""

    @wraps(method)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await method(*args, **kwargs)
        except DeskError as error:
            # Not "from error": a cause is kept in the history, and those of libraries hold data of people.
            raise as_application_error(error) from None

    return run


def as_desk_error(error: BaseException | None) -> DeskError | None:
    """The error that `as_application_error` carried, on the other side; None for a failure of another origin."""
    if not isinstance(error, ApplicationError) or not error.details or error.type is None:
        return None
    details = error.details[0]
    if not isinstance(details, dict) or "detail" not in details:
        return None
    carried = _Carried(error.type, str(details["detail"]), field=details.get("field"))
    carried.kind = str(details.get("kind"))
    carried.extra = dict(details.get("extra") or {})
    carried.retryable = not error.non_retryable
    return carried


class _Carried(DeskError):
    """An error as it arrived; `kind` and `retryable` are what the thrower's were."""

    kind: str  # type: ignore[misc]  # the class of the thrower is not rebuilt, only what it tells
    retryable: bool  # type: ignore[misc]
