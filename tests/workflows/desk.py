"""A worker with the real ticket activities on a real database, for tests of the ticket process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.worker import Worker

from activities.ticket import TicketActivities
from domain import ids
from domain.account import Role
from domain.process import MOVING, Committed
from domain.ticket.fields import Priority
from domain.ticket.messages import Act, Change, OpenTicket, Outcome, Requester, TicketInput
from domain.ticket.moves import Action
from storage.account import people, teams
from storage.database import Database, Writer
from storage.sla import ensure_default_policy
from storage.ticket.commit import commit
from workers.runner import RUNNER
from workflows.ticket import ACT, OPENED, TicketWorkflow

LIMIT = timedelta(seconds=20)


class Outage:
    """Lets commits fail with `error`, as often as `begin` says; `struck` tells when the first has failed, `over`
    when they succeed again."""

    def __init__(self, error: Exception) -> None:
        self.struck = asyncio.Event()
        self.over = asyncio.Event()
        self._error = error
        self._left = 0

    def begin(self, failures: int) -> None:
        self.struck.clear()
        self.over.clear()
        self._left = failures

    def strike(self) -> None:
        if self._left == 0:
            self.over.set()
            return
        self._left -= 1
        self.struck.set()
        raise self._error


class TicketDesk:
    """Opens tickets and acts on them straight at their processes, without HTTP."""

    def __init__(self, client: Client, database: Database, queue: str) -> None:
        self.client = client
        self.database = database
        self.queue = queue

    async def person(self, *roles: Role, teams: Any = (), **fields: Any) -> UUID:
        name = uuid4().hex[:8]
        values = {"email": f"{name}@desk.example", "name": name, "roles": list(roles), **fields}
        async with self.database.writing() as writer:
            return (await people.create_person(writer, values, teams=teams, password=None)).id

    async def team(self, name: str, *categories: str) -> UUID:
        async with self.database.writing() as writer:
            return (await teams.create_team(writer, {"name": name, "categories": list(categories)}, [])).id

    def command(self, priority: Priority = Priority.NORMAL, **fields: Any) -> OpenTicket:
        values = {
            "ticket_id": uuid4(),
            "fingerprint": "one",
            "subject": "磁盘空间不足 Disk full",
            "description": "Node 3 reports E1024",
            "requester": Requester(email="lin.wei@customers.example", name="Lin Wei"),
            "priority": priority,
            **fields,
        }
        return OpenTicket.model_validate(values)

    async def open(self, command: OpenTicket, history_limit: int | None = None) -> Committed:
        start = TicketInput(ticket_id=command.ticket_id, open=command, history_limit=history_limit)
        operation = WithStartWorkflowOperation(
            TicketWorkflow.run,
            start,
            id=ids.workflow_id("ticket", command.ticket_id),
            task_queue=self.queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
        update: Awaitable[Committed] = self.client.execute_update_with_start_workflow(
            OPENED,
            command.fingerprint,
            start_workflow_operation=operation,
            result_type=Committed,
            rpc_timeout=LIMIT,
        )
        return await update

    def handle(self, ticket_id: UUID) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(ids.workflow_id("ticket", ticket_id))

    async def act(self, ticket_id: UUID, action: Action, **fields: Any) -> Committed:
        values = {
            "action": action,
            "actor_id": fields.pop("actor_id", None),
            "request_id": uuid4().hex,
            "body_id": uuid4(),
            **fields,
        }
        act = Act.model_validate(values)

        while True:
            update: Awaitable[Committed] = self.handle(ticket_id).execute_update(
                ACT, act, id=act.request_id, result_type=Committed, rpc_timeout=LIMIT
            )
            try:
                return await update
            except WorkflowUpdateFailedError as error:
                if getattr(error.cause, "type", None) != MOVING:
                    raise
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(
    client: Client,
    database: Database,
    *,
    outage: Outage | None = None,
    queue: str | None = None,
    **options: Any,
) -> AsyncIterator[TicketDesk]:
    """A desk with its worker, on a queue of its own unless one is named; during the `outage` no commit
    succeeds."""

    async def commit_change(writer: Writer, change: Change, mail: bool) -> Outcome:
        if outage is not None:
            outage.strike()
        return await commit(writer, change, mail=mail)

    async with database.writing() as writer:
        await ensure_default_policy(writer)
    queue = queue or f"test-{uuid4()}"
    activities = TicketActivities(database, commit_change, mail=False)
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[TicketWorkflow],
        activities=[activities.commit],
        workflow_runner=RUNNER,
        **options,
    )
    async with worker:
        yield TicketDesk(client, database, queue)
