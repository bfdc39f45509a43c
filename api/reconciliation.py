"""Reconciliation over HTTP: what was found, and a run in full after something was restored."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.page import Page, PageQuery, page_of
from api.temporal import LIMIT, ask
from domain import ids
from domain.authorization import check
from domain.queues import PROCESS
from domain.reconciliation import Finding, ReconciliationInput, Totals
from storage import reconciliation
from workflows.reconciliation import TOTALS, ReconciliationWorkflow

router = APIRouter(prefix="/processes", tags=["processes"])


class FindingsQuery(PageQuery):
    healed: bool | None = None


class Rebuild(BaseModel):
    """Whether the last run in full is over, and what it has seen so far."""

    running: bool
    totals: Totals


@router.get("/findings", responses=problems(403))
async def list_findings(
    query: Annotated[FindingsQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Finding]:
    """Where a process and the database differed, the newest first."""
    check(caller, "process.read")
    after = query.start("found_at", datetime, UUID)
    async with desk.database.reading() as reader:
        found = await reconciliation.findings(reader, healed=query.healed, after=after, size=query.size)
    return page_of(
        request,
        query,
        found,
        "found_at",
        lambda one: (one.found_at, one.ticket_id or one.feedback_id or one.contest_id),
    )


@router.post("/rebuild", status_code=202, responses=problems(403))
async def start_rebuild(caller: Caller, desk: CurrentDesk) -> Rebuild:
    """Gives every ticket, feedback and contest whose process is gone a new one, asks all others whether they agree with
    the database, and repeats what the durable side was asked for. While a run goes on, this is that run."""
    check(caller, "process.rebuild")
    started = desk.temporal.start_workflow(
        ReconciliationWorkflow.run,
        ReconciliationInput(full=True),
        id=ids.FULL_RECONCILIATION,
        task_queue=PROCESS,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        rpc_timeout=LIMIT,
    )
    await ask(started)
    return await read_rebuild(caller, desk)


@router.get("/rebuild", responses=problems(403, 409))
async def read_rebuild(caller: Caller, desk: CurrentDesk) -> Rebuild:
    check(caller, "process.read")
    handle = desk.temporal.get_workflow_handle(ids.FULL_RECONCILIATION)
    described = await ask(handle.describe(rpc_timeout=LIMIT))
    totals = await ask(handle.query(TOTALS, result_type=Totals, rpc_timeout=LIMIT))
    return Rebuild(running=described.status is WorkflowExecutionStatus.RUNNING, totals=totals)
