"""Is the desk alive, is it ready, and if not, which part is down."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text
from starlette.responses import Response
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, GetSystemInfoRequest
from temporalio.client import Client

from api.dependencies import CurrentDesk
from api.desk import Desk
from domain.queues import DELIVERY, PROCESS

# A poll lasts up to 60 s, so a worker that is there was seen within that time.
_POLLER_AGE_MAX: Final = timedelta(seconds=75)
_PATIENCE: Final = timedelta(seconds=3)

router = APIRouter()


class Part(BaseModel):
    up: bool
    detail: str = ""


class Readiness(BaseModel):
    status: Literal["ready", "not_ready"]
    parts: dict[str, Part]


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
async def readyz(desk: CurrentDesk) -> Response:
    """Which part is down. Without a worker for deliveries the desk is ready: mails wait for it."""
    found = await asyncio.gather(*(_ask(check, desk) for check in _PARTS.values()))
    parts = dict(zip(_PARTS, found, strict=True))
    ready = all(part.up for name, part in parts.items() if name != _DELIVERY)
    body = Readiness(status="ready" if ready else "not_ready", parts=parts)
    headers = {} if ready else {"Retry-After": "5"}
    return Response(body.model_dump_json(), 200 if ready else 503, headers, "application/json")


async def _ask(check: Callable[[Desk], Awaitable[Part]], desk: Desk) -> Part:
    """The part as it is; whatever goes wrong while asking is the answer."""
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            return await check(desk)
    except TimeoutError:
        return Part(up=False, detail="No answer in time.")
    except Exception as error:  # the kind of trouble is the finding
        return Part(up=False, detail=f"{type(error).__name__}: no answer.")


async def _database(desk: Desk) -> Part:
    async with desk.database.reading() as reader:
        await reader.execute(text("SELECT 1"))
    return Part(up=True)


async def _temporal(desk: Desk) -> Part:
    await desk.temporal.workflow_service.get_system_info(GetSystemInfoRequest(), timeout=_PATIENCE)
    return Part(up=True)


async def _workers(desk: Desk) -> Part:
    return await polled(desk.temporal, PROCESS, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)


async def _delivery(desk: Desk) -> Part:
    return await polled(desk.temporal, DELIVERY, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)


async def polled(temporal: Client, queue: str, kind: TaskQueueType.ValueType) -> Part:
    """Whether workers ask for this kind of work of a queue."""
    request = DescribeTaskQueueRequest(
        namespace=temporal.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=kind,
    )
    answer = await temporal.workflow_service.describe_task_queue(request, timeout=_PATIENCE)
    oldest = datetime.now(UTC) - _POLLER_AGE_MAX
    polling = sum(poller.last_access_time.ToDatetime(UTC) >= oldest for poller in answer.pollers)
    if not polling:
        return Part(up=False, detail=f"No worker polls the queue {queue}.")
    return Part(up=True, detail=f"{polling} polling")


_DELIVERY: Final = "delivery"
_PARTS: Final[Mapping[str, Callable[[Desk], Awaitable[Part]]]] = {
    "database": _database,
    "temporal": _temporal,
    "workers": _workers,
    _DELIVERY: _delivery,
}
