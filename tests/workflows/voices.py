"""A worker with the real feedback activities on a real database, for tests of the feedback process."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.worker import Worker

from activities.feedback import FeedbackActivities
from domain import ids
from domain.feedback.messages import Act, Change, FeedbackInput, Outcome, Submit
from domain.feedback.moves import Action
from domain.feedback.state import FeedbackState
from domain.process import Committed
from domain.ticket.messages import Requester
from storage.account import people
from storage.database import Database, Writer
from storage.feedback import followers, read
from storage.feedback.commit import commit
from storage.feedback.telling import tell_page
from tests.workflows.desk import LIMIT, Outage
from workers.runner import RUNNER
from workflows.feedback import ACT, SUBMITTED, FeedbackWorkflow, TellingWorkflow


class Voices:
    """Submits feedback and acts on it straight at its processes, without HTTP."""

    def __init__(self, client: Client, database: Database, queue: str) -> None:
        self.client = client
        self.database = database
        self.queue = queue

    async def person(self, **fields: Any) -> UUID:
        name = uuid4().hex[:8]
        values = {"email": f"{name}@desk.example", "name": name, "roles": ["requester"], **fields}
        async with self.database.writing() as writer:
            return (await people.create_person(writer, values, teams=(), password=None)).id

    def command(self, **fields: Any) -> Submit:
        values = {
            "feedback_id": uuid4(),
            "fingerprint": "one",
            "title": "深色模式 Dark mode",
            "body": "My eyes hurt at night.",
            "requester": Requester(email="lin.wei@customers.example", name="Lin Wei"),
            **fields,
        }
        return Submit.model_validate(values)

    async def submit(
        self, command: Submit, update: str = SUBMITTED, argument: Any = None, history_limit: int | None = None
    ) -> Committed:
        """By the update that waits for the commit, or by another one that comes before it."""
        start = FeedbackInput(feedback_id=command.feedback_id, submit=command, history_limit=history_limit)
        operation = WithStartWorkflowOperation(
            FeedbackWorkflow.run,
            start,
            id=ids.workflow_id("feedback", command.feedback_id),
            task_queue=self.queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
        answer: Awaitable[Committed] = self.client.execute_update_with_start_workflow(
            update,
            argument or command.fingerprint,
            start_workflow_operation=operation,
            result_type=Committed,
            rpc_timeout=LIMIT,
        )
        return await answer

    def handle(self, feedback_id: UUID) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(ids.workflow_id("feedback", feedback_id))

    async def act(self, feedback_id: UUID, action: Action, **fields: Any) -> Committed:
        values = {"actor_id": None, "request_id": uuid4().hex, "text_id": uuid4(), **fields}
        act = Act.model_validate({"action": action, **values})
        update: Awaitable[Committed] = self.handle(feedback_id).execute_update(
            ACT, act, id=act.request_id, result_type=Committed, rpc_timeout=LIMIT
        )
        return await update

    async def vote(self, feedback_id: UUID, person_id: UUID) -> None:
        async with self.database.writing() as writer:
            await followers.vote(writer, feedback_id, person_id, datetime.now(UTC))

    async def state(self, feedback_id: UUID) -> FeedbackState:
        async with self.database.reading() as reader:
            found = await read.state(reader, feedback_id)
        assert found is not None
        return found


@asynccontextmanager
async def listening(
    client: Client, database: Database, *, outage: Outage | None = None, queue: str | None = None
) -> AsyncIterator[Voices]:
    """A desk with its worker, on a queue of its own unless one is named; during the `outage` nothing is committed
    and nobody is told."""

    async def commit_change(writer: Writer, change: Change) -> Outcome:
        if outage is not None:
            outage.strike()
        return await commit(writer, change, mail=False)

    async def tell(writer: Writer, feedback_id: UUID, version: int) -> bool:
        done = await tell_page(writer, feedback_id, version, smtp_configured=False)
        if outage is not None:
            outage.strike()
        return done

    queue = queue or f"test-{uuid4()}"
    activities = FeedbackActivities(database, commit_change, tell)
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[FeedbackWorkflow, TellingWorkflow],
        activities=[activities.commit, activities.tell],
        workflow_runner=RUNNER,
    )
    async with worker:
        yield Voices(client, database, queue)
