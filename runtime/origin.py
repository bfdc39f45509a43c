"""Where something comes from: the request that asked for it, and its trace.

Both live in context variables while a process works, and in an origin, a small dict of text, on the way to the
next one: in the headers of Temporal (`runtime.interceptor`) and in the rows of the outbox. A process that goes on by
itself, after a timer, still has the origin it was started with.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from structlog.contextvars import bind_contextvars, bound_contextvars, get_contextvars

from domain import ids
from runtime import tracing

REQUEST_ID: Final = "request_id"


def origin() -> dict[str, str]:
    """Of what happens now; empty when nobody asked for it."""
    carrier: dict[str, str] = {}
    request_id = get_contextvars().get(REQUEST_ID)
    if request_id is not None:
        carrier[REQUEST_ID] = request_id
    tracing.inject(carrier)
    return carrier


def go_on_from(carrier: Mapping[str, Any]) -> None:
    """Makes `carrier` the origin of all that this task does from now on. Not for a task that goes on to do
    something else."""
    if REQUEST_ID in carrier:
        bind_contextvars(**{REQUEST_ID: carrier[REQUEST_ID]})
    tracing.attach(carrier)


@contextmanager
def going_on_from(carrier: Mapping[str, Any], **names: Any) -> Iterator[None]:
    """Log lines of the block tell the request of `carrier`, and `names`. A span needs its `parent` said."""
    request = {REQUEST_ID: carrier[REQUEST_ID]} if REQUEST_ID in carrier else {}
    with bound_contextvars(**request, **names):
        yield


def record_of(workflow_id: str) -> dict[str, str]:
    """What log lines tell of a workflow: its id, and the record's, such as `ticket_id`."""
    try:
        feature, record = ids.parse_workflow_id(workflow_id)
    except ValueError:
        return {"workflow_id": workflow_id}
    return {"workflow_id": workflow_id, f"{feature}_id": record}
