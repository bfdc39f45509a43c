"""The delivery of a mail on virtual time, with the real activities, a real database and a real mail server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.notification import NotificationActivities
from adapters.mail import MailRenderer
from adapters.smtp import sender_for
from domain import ids
from domain.account import Role
from domain.notification.delivery import NotificationInput, SendOutcome, outbox_key
from domain.notification.kind import Audience, Channel, Kind
from domain.notification.notice import Notice, plan
from domain.notification.record import Notification, State
from domain.queues import DELIVERY, PROCESS
from domain.ticket.moves import Action
from storage import notification
from storage.account import people
from storage.database import Database
from storage.notification import Deliveries, delivery, read
from storage.notification.read import NotificationFilter
from tests.adapters.mail_server import HANG_UP, MailServer, mail_server
from tests.conftest import free_port
from tests.workflows.desk import running
from workers.runner import RUNNER
from workflows.notification import PATIENCE, NotificationWorkflow

DEFERRED = "451 4.3.0 Try again"


@dataclass
class Post:
    """Delivers mails by the real process; `server` is the mail server that they go to."""

    client: Client
    database: Database
    server: MailServer

    async def mail(self, generation: int = 0) -> NotificationInput:
        """A new pending mail to a new person."""
        name = uuid4().hex[:8]
        values = {"email": f"{name}@desk.example", "name": name, "roles": [Role.REQUESTER]}
        notice = Notice(kind=Kind.TICKET_RESOLVED, audience=[Audience.REQUESTER])
        facts = {"ticket_id": str(UUID(int=7)), "number": 7, "subject": "磁盘空间不足"}
        async with self.database.writing() as writer:
            person = await people.create_person(writer, values, teams=(), password=None)
            found = await notification.recipients(writer, [person.id])
            rows = plan(notice, uuid4().hex, facts, found, datetime.now(UTC))
            await notification.add(writer, rows, smtp_configured=True)
        (mail,) = [row for row in rows if row.channel is Channel.EMAIL]
        return NotificationInput(notification_id=mail.id, generation=generation)

    async def history(self, job: NotificationInput) -> WorkflowHistory:
        return await self.client.get_workflow_handle(_id(job)).fetch_history()

    async def took(self, job: NotificationInput) -> timedelta:
        """From the beginning to the end of the delivery, on virtual time."""
        events = (await self.history(job)).events
        return events[-1].event_time.ToDatetime() - events[0].event_time.ToDatetime()

    async def deliver(self, job: NotificationInput) -> SendOutcome:
        return await self.client.execute_workflow(
            NotificationWorkflow.run,
            job,
            id=_id(job),
            task_queue=PROCESS,
        )

    async def row(self, job: NotificationInput) -> Notification:
        async with self.database.reading() as reader:
            return await read.notification(reader, job.notification_id)

    async def resend(self, job: NotificationInput) -> NotificationInput:
        async with self.database.writing() as writer:
            await delivery.resend(writer, job.notification_id, smtp_configured=True)
        return job.model_copy(update={"generation": job.generation + 1})


def _id(job: NotificationInput) -> str:
    return ids.workflow_id("notification", outbox_key(job.notification_id, job.generation))


@asynccontextmanager
async def delivering(client: Client, database: Database, url: str) -> AsyncIterator[None]:
    """The workers of both queues, for a mail server at `url`."""
    renderer = MailRenderer("Duradesk", "desk@desk.example", "https://desk.example")
    activities = NotificationActivities(Deliveries(database), sender_for(url), renderer)
    process = Worker(
        client,
        task_queue=PROCESS,
        workflows=[NotificationWorkflow],
        activities=[activities.give_up],
        workflow_runner=RUNNER,
    )
    sending = Worker(client, task_queue=DELIVERY, activities=[activities.send])
    async with process, sending:
        yield


@pytest.fixture
async def post(time_skipping: WorkflowEnvironment, database: Database) -> AsyncIterator[Post]:
    async with mail_server() as server, delivering(time_skipping.client, database, server.url):
        yield Post(time_skipping.client, database, server)


async def test_a_mail_is_sent_once_and_its_row_says_so(post: Post) -> None:
    job = await post.mail()
    assert await post.deliver(job) is SendOutcome.SENT
    (taken,) = post.server.taken
    assert taken["Subject"] == "Re: [#7] 磁盘空间不足"
    row = await post.row(job)
    assert (row.state, row.attempts) == (State.SENT, 1)


async def test_a_delivery_that_runs_again_sends_nothing(post: Post) -> None:
    job = await post.mail()
    await post.deliver(job)
    assert await post.deliver(job) is SendOutcome.OBSOLETE
    assert len(post.server.taken) == 1


async def test_temporary_failures_for_hours_end_in_one_mail(post: Post) -> None:
    """Greylisting, a hang-up in the middle, a busy server: 22 tries take hours of virtual time."""
    post.server.rcpt += [DEFERRED] * 10
    post.server.data += [HANG_UP, *[DEFERRED] * 10]
    job = await post.mail()
    assert await post.deliver(job) is SendOutcome.SENT
    assert await post.took(job) > timedelta(hours=2)
    row = await post.row(job)
    assert (row.attempts, row.last_error, len(post.server.taken)) == (22, None, 1)


async def test_a_refusal_for_good_is_a_dead_letter_after_one_try(post: Post) -> None:
    post.server.rcpt.append("550 5.1.1 no such user")
    job = await post.mail()
    assert await post.deliver(job) is SendOutcome.DEAD
    row = await post.row(job)
    assert (row.state, row.attempts) == (State.DEAD, 1)
    assert row.last_error is not None
    assert row.last_error.endswith("550 5.1.1 no such user")
    assert post.server.tries == 1


async def test_a_dead_letter_is_sent_again_with_the_same_message_id(post: Post) -> None:
    post.server.rcpt.append("550 5.1.1 no such user")
    job = await post.mail()
    await post.deliver(job)
    again = await post.resend(job)
    assert await post.deliver(again) is SendOutcome.SENT
    assert post.server.taken[0]["Message-ID"] == f"<notification.{job.notification_id}@desk.example>"
    assert (await post.row(job)).state is State.SENT


async def test_a_mail_server_that_stays_away_makes_a_dead_letter_after_days(
    time_skipping: WorkflowEnvironment, database: Database
) -> None:
    async with delivering(time_skipping.client, database, f"smtp://127.0.0.1:{free_port()}"):
        post = Post(time_skipping.client, database, MailServer())
        job = await post.mail()
        assert await post.deliver(job) is SendOutcome.DEAD
    row = await post.row(job)
    assert PATIENCE - timedelta(minutes=30) < await post.took(job) < PATIENCE + timedelta(minutes=30)
    assert row.state is State.DEAD
    assert row.attempts > 200
    assert (row.last_error or "").startswith("The mail server cannot be reached.")


async def test_quiet_hours_are_waited_for(post: Post, time_skipping: WorkflowEnvironment) -> None:
    job = await post.mail()
    morning = await time_skipping.get_current_time() + timedelta(hours=9)
    await post.deliver(job.model_copy(update={"send_after": morning}))
    assert timedelta(hours=9, seconds=-5) < await post.took(job) < timedelta(hours=9, minutes=1)
    assert len(post.server.taken) == 1


async def test_a_closed_account_gets_no_mail(post: Post) -> None:
    job = await post.mail()
    recipient = (await post.row(job)).recipient.id
    async with post.database.writing() as writer:
        await people.update_person(writer, recipient, {"active": False}, teams=None, expected_version=None)
    assert await post.deliver(job) is SendOutcome.DEAD
    assert post.server.tries == 0


async def test_a_mail_server_that_was_taken_away_leaves_the_mail_kept(
    time_skipping: WorkflowEnvironment, database: Database
) -> None:
    async with delivering(time_skipping.client, database, ""):
        post = Post(time_skipping.client, database, MailServer())
        job = await post.mail()
        assert await post.deliver(job) is SendOutcome.KEPT
    assert (await post.row(job)).state is State.KEPT


async def test_histories_hold_ids_and_no_personal_data(post: Post) -> None:
    job = await post.mail()
    address = (await Deliveries(post.database).claim(job)).email  # type: ignore[union-attr]  # it is pending
    post.server.rcpt.append(f"550 5.1.1 <{address}>: no such user")
    await post.deliver(job)
    history = (await post.history(job)).to_json()
    assert address not in history
    assert address in ((await post.row(job)).last_error or "")


async def test_the_requester_gets_the_whole_answer_by_mail_and_the_agent_hears_nothing_of_it(
    temporal: Client, database: Database
) -> None:
    body = "很长的回答 " * 500
    async with running(temporal, database) as desk:
        agent = await desk.person(Role.AGENT)
        command = desk.command()
        await desk.open(command)
        await desk.act(command.ticket_id, Action.REPLY, actor_id=agent, body=body)
    async with database.reading() as reader:
        wanted = NotificationFilter(channel=Channel.EMAIL, kind=Kind.TICKET_REPLIED)
        (row,) = await read.notifications(reader, wanted, after=None, size=10)
        mail = await delivery.mail_of(reader, row.id, linked=True)
    assert (mail.email, mail.body) == ("lin.wei@customers.example", body)
    assert mail.params["subject"] == command.subject
