"""Stories of the delivery of a mail, to a real mail server."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from temporalio.client import WorkflowFailureError, WorkflowHandle

from domain import ids
from domain.notification.delivery import NotificationInput, SendOutcome, outbox_key
from domain.queues import PROCESS
from tests.adapters.mail_server import STALL, MailServer, mail_server
from tests.replay.stage import Stage, soon, until
from tests.workflows.test_notification import Post, delivering
from workflows.notification import NotificationWorkflow

Delivery = WorkflowHandle[NotificationWorkflow, SendOutcome]


async def sent(stage: Stage) -> Sequence[str]:
    async with _post(stage) as (server, post):
        server.rcpt.append("451 4.3.0 Try again")
        delivery = await _deliver(stage, post)
        assert await delivery.result() is SendOutcome.SENT
    return [delivery.id]


async def quiet_hours(stage: Stage) -> Sequence[str]:
    async with _post(stage) as (_, post):
        delivery = await _deliver(stage, post, send_after=soon())
        assert await delivery.result() is SendOutcome.SENT
    return [delivery.id]


async def dead(stage: Stage) -> Sequence[str]:
    async with _post(stage) as (server, post):
        server.rcpt.append("550 5.1.1 no such user")
        delivery = await _deliver(stage, post)
        assert await delivery.result() is SendOutcome.DEAD
    return [delivery.id]


async def cancelled(stage: Stage) -> Sequence[str]:
    """An operator stops a delivery while the mail server stalls."""
    async with _post(stage) as (server, post):
        server.rcpt.append(STALL)
        delivery = await _deliver(stage, post)

        async def trying() -> bool:
            return server.tries > 0

        await until(trying)
        await delivery.cancel()
        try:
            await delivery.result()
        except WorkflowFailureError:
            return [delivery.id]
    raise AssertionError("it was not cancelled")


@asynccontextmanager
async def _post(stage: Stage) -> AsyncIterator[tuple[MailServer, Post]]:
    async with mail_server() as server, delivering(stage.client, stage.database, server.url):
        yield server, Post(stage.client, stage.database, server)


async def _deliver(stage: Stage, post: Post, send_after: datetime | None = None) -> Delivery:
    job: NotificationInput = (await post.mail()).model_copy(update={"send_after": send_after})
    workflow_id = ids.workflow_id("notification", outbox_key(job.notification_id, job.generation))
    return await stage.client.start_workflow(
        NotificationWorkflow.run, job, id=workflow_id, task_queue=PROCESS
    )
