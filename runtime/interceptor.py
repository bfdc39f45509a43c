"""Carries origins through Temporal: from a client's call into the workflow, from there into its activities.

One header for the request id and the trace. A client of `runtime.temporal` has this interceptor, and so have the
workers that are made with it. Workflow code sees nothing of it, and replays are not concerned: headers are no
part of what a replay compares.
"""

from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final

import orjson
import structlog
from temporalio import activity, client, worker, workflow
from temporalio.api.common.v1 import Payload

from runtime import tracing
from runtime.origin import go_on_from, going_on_from, origin, record_of

_log = structlog.get_logger()

HEADER: Final = "duradesk-origin"
Headers = Mapping[str, Payload]

# The ids are fields of the line (`runtime.logging`), not part of its text.
workflow.logger.workflow_info_on_message = False
activity.logger.activity_info_on_message = False


class OriginInterceptor(client.Interceptor, worker.Interceptor):
    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:  # noqa: A002
        return _Client(next)

    def intercept_activity(
        self,
        next: worker.ActivityInboundInterceptor,  # noqa: A002  the SDK's name
    ) -> worker.ActivityInboundInterceptor:
        return _Activity(next)

    def workflow_interceptor_class(
        self,
        input: worker.WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[worker.WorkflowInboundInterceptor]:
        return _Workflow


class _Client(client.OutboundInterceptor):
    async def start_workflow(self, input: client.StartWorkflowInput) -> client.WorkflowHandle[Any, Any]:  # noqa: A002
        with tracing.span(f"start {input.workflow}", "client", workflow_id=input.id):
            input.headers = _with_origin(input.headers)
            return await super().start_workflow(input)

    async def signal_workflow(self, input: client.SignalWorkflowInput) -> None:  # noqa: A002
        with tracing.span(f"signal {input.signal}", "client", workflow_id=input.id):
            input.headers = _with_origin(input.headers)
            await super().signal_workflow(input)

    async def query_workflow(self, input: client.QueryWorkflowInput) -> Any:  # noqa: A002
        with tracing.span(f"query {input.query}", "client", workflow_id=input.id):
            return await super().query_workflow(input)

    async def start_workflow_update(
        self,
        input: client.StartWorkflowUpdateInput,  # noqa: A002
    ) -> client.WorkflowUpdateHandle[Any]:
        with tracing.span(f"update {input.update}", "client", workflow_id=input.id):
            input.headers = _with_origin(input.headers)
            return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(
        self,
        input: client.StartWorkflowUpdateWithStartInput,  # noqa: A002
    ) -> client.WorkflowUpdateHandle[Any]:
        start, update = input.start_workflow_input, input.update_workflow_input
        with tracing.span(f"start {start.workflow}", "client", workflow_id=start.id):
            start.headers = _with_origin(start.headers)
            update.headers = _with_origin(update.headers)
            return await super().start_update_with_start_workflow(input)


class _Activity(worker.ActivityInboundInterceptor):
    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        carrier, started = _origin_of(input.headers), perf_counter()
        name, workflow_id = info.activity_type, info.workflow_id or ""
        with (
            going_on_from(carrier, **record_of(workflow_id), activity=name, attempt=info.attempt),
            tracing.span(name, "server", parent=carrier, workflow_id=workflow_id, attempt=info.attempt),
        ):
            try:
                return await super().execute_activity(input)
            finally:
                _log.debug("activity", ms=round((perf_counter() - started) * 1000, 1))


class _Workflow(worker.WorkflowInboundInterceptor):
    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))

    async def execute_workflow(self, input: worker.ExecuteWorkflowInput) -> Any:  # noqa: A002
        _go_on_in_workflow("run", workflow.info().workflow_type, input.headers)
        return await super().execute_workflow(input)

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:  # noqa: A002
        _go_on_in_workflow("handle signal", input.signal, input.headers)
        await super().handle_signal(input)

    async def handle_update_handler(self, input: worker.HandleUpdateInput) -> Any:  # noqa: A002
        _go_on_in_workflow("handle update", input.update, input.headers)
        return await super().handle_update_handler(input)


class _Outbound(worker.WorkflowOutboundInterceptor):
    def start_activity(self, input: worker.StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        input.headers = _with_origin(input.headers)
        return super().start_activity(input)

    def start_local_activity(
        self,
        input: worker.StartLocalActivityInput,  # noqa: A002
    ) -> workflow.ActivityHandle[Any]:
        input.headers = _with_origin(input.headers)
        return super().start_local_activity(input)


def _go_on_in_workflow(what: str, name: str, headers: Headers) -> None:
    """A run and each handler is a task of its own, so nothing has to be put back at its end."""
    go_on_from(_origin_of(headers))
    if workflow.unsafe.is_replaying():
        return
    info = workflow.info()
    with workflow.unsafe.sandbox_unrestricted():
        tracing.mark(f"{what} {name}", "server", workflow.time_ns(), workflow_id=info.workflow_id)
    workflow.logger.debug(what, extra={"name_of": name})


def _with_origin(headers: Headers) -> Headers:
    carrier = origin()
    if not carrier:
        return headers
    payload = Payload(metadata={"encoding": b"json/plain"}, data=orjson.dumps(carrier))
    return {**headers, HEADER: payload}


def _origin_of(headers: Headers) -> dict[str, str]:
    payload = headers.get(HEADER)
    if payload is None:
        return {}
    carrier: dict[str, str] = orjson.loads(payload.data)
    return carrier
