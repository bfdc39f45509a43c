"""The doctor's questions to Temporal: the server, the namespace, who polls, schedules, and the processes."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, GetSystemInfoRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from api.health import polled
from cli.doctor import finding
from cli.doctor.finding import Finding, ok, problem
from domain import ids
from domain.queues import DELIVERY, PROCESS
from runtime.settings import SettingError, Settings
from runtime.temporal import RETENTION, check_key, missing_search_attributes
from storage import reconciliation
from storage.database import Database
from storage.reconciliation import unhealed
from workers.schedules import SCHEDULES, Regular

_SAMPLE: Final = 50
_AT_ONCE: Final = 8
_FAILED_LOOKED_AT: Final = 200
_STUCK: Final = "TemporalReportedProblems IS NOT NULL"
_FAILED: Final = 'WorkflowType = "Ticket" AND ExecutionStatus IN ("Failed", "TimedOut", "Terminated")'

_WORKFLOW, _ACTIVITY = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


async def look(client: Client, settings: Settings) -> list[Finding]:
    """Raises RPCError or Unavailable when it does not answer."""
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    request = DescribeNamespaceRequest(namespace=client.namespace)
    try:
        described = await client.workflow_service.describe_namespace(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        words = f"There is no namespace {client.namespace}."
        return [problem("temporal", words, "Make it, then run `duradesk migrate`.")]
    found = [ok("temporal", f"Temporal {info.server_version} answers, namespace {client.namespace}.")]
    kept = described.config.workflow_execution_retention_ttl.ToTimedelta()
    if kept < RETENTION or await missing_search_attributes(client):
        words = "The namespace lacks the retention or the search attributes that the desk needs."
        found.append(problem("namespace", words, "Run `duradesk migrate`."))
    try:
        await check_key(client, settings)
    except SettingError as error:
        found.append(problem("encryption", str(error), "Put the key back before anything else."))
    found += await asyncio.gather(
        _poller(client, PROCESS, _WORKFLOW),
        _poller(client, PROCESS, _ACTIVITY),
        _poller(client, DELIVERY, _ACTIVITY),
    )
    return found + list(await asyncio.gather(*(_schedule(client, one) for one in SCHEDULES)))


async def _poller(client: Client, queue: str, kind: TaskQueueType.ValueType) -> Finding:
    what = "processes" if kind == _WORKFLOW else "activities"
    name = queue.removeprefix("duradesk-")
    if (await polled(client, queue, kind)).up:
        return ok("workers", f"Workers poll the queue {name} for {what}.")
    words = f"No worker polls the queue {name} for {what}: what is due there waits."
    return problem("workers", words, f"Start `duradesk worker --queue {name}`, or the desk.")


async def _schedule(client: Client, wanted: Regular) -> Finding:
    try:
        described = await client.get_schedule_handle(wanted.id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return problem("schedules", f"{wanted.id} is missing.", "Restart a worker of the queue process.")
    runs = [action.started_at for action in described.info.recent_actions]
    every = timedelta(hours=1) if wanted.hour is None else timedelta(days=1)
    last = max(runs, default=described.info.last_updated_at or described.info.created_at)
    return finding.schedule(wanted.id, last, datetime.now(UTC), every, paused=described.schedule.state.paused)


async def look_at_processes(client: Client, database: Database) -> list[Finding]:
    """A sample that begins at any ticket, and what Temporal itself lists as stuck or failed."""
    async with database.reading() as reader:
        known = await unhealed(reader)
        _, states = await reconciliation.with_process(reader, uuid4(), _SAMPLE, datetime.now(UTC))
        if len(states) < _SAMPLE:
            _, states = await reconciliation.with_process(reader, None, _SAMPLE, datetime.now(UTC))
    ticket_ids = [ids.workflow_id("ticket", state.id) for state in states]
    ended = await _without_process(client, ticket_ids)
    stuck, failed = await asyncio.gather(_count(client, _STUCK), _failed(client))
    return finding.processes(known, len(ticket_ids), len(ended), stuck, failed)


async def _without_process(client: Client, workflow_ids: Sequence[str]) -> list[str]:
    """Those of which no run goes on."""
    limit = asyncio.Semaphore(_AT_ONCE)

    async def runs(workflow_id: str) -> bool:
        async with limit:
            try:
                described = await client.get_workflow_handle(workflow_id).describe()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                return False
            return described.status is WorkflowExecutionStatus.RUNNING

    running = await asyncio.gather(*map(runs, workflow_ids))
    return [one for one, is_running in zip(workflow_ids, running, strict=True) if not is_running]


async def _failed(client: Client) -> int:
    """Ticket processes whose last run ended badly; those that were started again since do not count."""
    ended = {run.id async for run in client.list_workflows(_FAILED, limit=_FAILED_LOOKED_AT)}
    return len(await _without_process(client, sorted(ended)))


async def _count(client: Client, query: str) -> int:
    try:
        return (await client.count_workflows(query)).count
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:  # a server that does not list this
            raise
        return 0
