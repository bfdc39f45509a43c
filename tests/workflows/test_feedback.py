"""The feedback process on a real Temporal server: everybody is told exactly once, whatever dies, and no run grows."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from temporalio.client import Client, WorkflowUpdateFailedError

from benchmarks.crowd import insert_followers
from domain import ids
from domain.errors import Unavailable
from domain.feedback.fields import Status
from domain.feedback.messages import News, TellInput
from domain.feedback.moves import Action
from domain.notification.kind import Channel
from domain.process import MOVING, ProcessView
from storage.database import Database
from storage.feedback import deliveries, followers, read, telling
from storage.tables.notification import NotificationRow
from tests.replay.paths.feedback import FOLLOWERS, told
from tests.replay.stage import Stage, histories, until
from tests.workflows.desk import Outage
from tests.workflows.voices import Voices, listening
from workflows.feedback import FeedbackWorkflow, TellingWorkflow

LIMIT = 60
NOTES = 60


@pytest.fixture
async def desk(temporal: Client, database: Database) -> AsyncIterator[Voices]:
    async with listening(temporal, database) as desk:
        yield desk


async def told_of(database: Database, kind: str) -> Counter[UUID]:
    """How often each person has a notification of this kind in the app."""
    async with database.reading() as reader:
        statement = select(NotificationRow.recipient_id, func.count()).where(
            NotificationRow.kind == kind, NotificationRow.channel == Channel.IN_APP
        )
        rows = await reader.execute(statement.group_by(NotificationRow.recipient_id))
        return Counter({row[0]: row[1] for row in rows})


async def test_every_voter_is_told_once_though_the_teller_dies_in_the_middle(
    temporal: Client, database: Database
) -> None:
    """Pages that were written and never reported, and a second teller of the same turn at the same time."""
    outage = Outage(Unavailable("worker_killed", "It died before it could say so."))
    workflow_id = await told(Stage(temporal, database), history_limit=10, outage=outage)
    assert len(await histories(temporal, workflow_id)) > 1
    times = await told_of(database, "feedback_declined")
    assert set(times.values()) == {1}
    assert len(times) == FOLLOWERS + 1
    feedback_id = UUID(workflow_id.split(":")[1])
    async with database.reading() as reader:
        turn = (await deliveries.turns(reader, feedback_id))[0]
    assert (turn.told, turn.total, turn.pending, turn.done) == (FOLLOWERS + 1, FOLLOWERS + 1, 0, True)


async def test_two_tellers_of_one_turn_tell_nobody_twice(desk: Voices) -> None:
    command = desk.command()
    await desk.submit(command)
    await desk.act(command.feedback_id, Action.TRIAGE)
    await insert_followers(desk.database, command.feedback_id, 1200)
    version = (await desk.act(command.feedback_id, Action.DECLINE, text="No.")).version
    async with desk.database.reading() as reader:
        begun = (await deliveries.turns(reader, command.feedback_id))[0]
    assert (begun.told, begun.total, begun.pending, begun.done) == (telling.PAGE, 1201, 701, False)
    start = TellInput(feedback_id=command.feedback_id, version=version)
    await asyncio.gather(
        *(
            desk.client.execute_workflow(
                TellingWorkflow.run, start, id=ids.workflow_id("telling", uuid4()), task_queue=desk.queue
            )
            for _ in range(4)
        )
    )
    times = await told_of(desk.database, "feedback_declined")
    assert (len(times), set(times.values())) == (1201, {1})


async def test_who_votes_or_leaves_after_a_turn_changes_nothing_of_its_telling(desk: Voices) -> None:
    command, early, late = desk.command(), await desk.person(), await desk.person()
    await desk.submit(command)
    await desk.act(command.feedback_id, Action.TRIAGE)
    await desk.vote(command.feedback_id, early)
    await insert_followers(desk.database, command.feedback_id, 700)
    version = (await desk.act(command.feedback_id, Action.ANSWER, text="Soon.")).version
    await desk.vote(command.feedback_id, late)
    start = TellInput(feedback_id=command.feedback_id, version=version)
    await desk.client.execute_workflow(
        TellingWorkflow.run, start, id=ids.workflow_id("telling", uuid4()), task_queue=desk.queue
    )
    times = await told_of(desk.database, "feedback_answered")
    assert (len(times), times[early], times[late]) == (702, 1, 0)


async def test_who_leaves_and_comes_back_before_anything_else_happens_was_there_all_the_time(
    desk: Voices,
) -> None:
    command, voter = desk.command(), await desk.person()
    item = command.feedback_id
    await desk.submit(command)
    await desk.act(item, Action.TRIAGE)
    await desk.vote(item, voter)
    version = (await desk.act(item, Action.ANSWER, text="Soon.")).version
    audience = followers.following(item, version, requesters_only=False)
    async with desk.database.writing() as writer:
        await followers.withdraw(writer, item, voter)
        assert await followers.count(writer, audience) == 2
    await desk.vote(item, voter)
    async with desk.database.writing() as writer:
        assert await followers.count(writer, audience) == 2


async def test_a_flood_over_many_runs_loses_and_doubles_nothing(desk: Voices) -> None:
    command = desk.command()
    item, handle = command.feedback_id, desk.handle(command.feedback_id)
    await desk.submit(command, history_limit=LIMIT)

    async def note(number: int) -> None:
        while True:
            try:
                await desk.act(
                    item,
                    Action.NOTE,
                    text=f"note {number}",
                    request_id=f"r{number}",
                    text_id=UUID(int=number),
                )
                return
            except WorkflowUpdateFailedError as error:
                if getattr(error.cause, "type", None) != MOVING:
                    raise
            await asyncio.sleep(0.02)

    async def client(first: int) -> None:
        for number in range(first, NOTES, 10):
            await note(number)
            await note(number)
            await handle.signal(FeedbackWorkflow.consider, News(cause="policy"))

    await asyncio.gather(*(client(first) for first in range(10)))
    async with desk.database.reading() as reader:
        comments = await read.comments(reader, item, internal=True, after=None, size=100)
    assert sorted(one.body for one in comments) == sorted(f"note {number}" for number in range(NOTES))
    view: ProcessView = await handle.query(FeedbackWorkflow.describe)
    assert view.event_number == (await desk.state(item)).event_number
    assert view.continued_runs >= 3
    runs = await histories(desk.client, handle.id)
    assert max(len(run.events) for run in runs) < LIMIT + 400


async def test_a_release_ships_what_is_planned_once(desk: Voices) -> None:
    command = desk.command()
    item, handle = command.feedback_id, desk.handle(command.feedback_id)
    await desk.submit(command)
    release_id = uuid4()
    await handle.signal(FeedbackWorkflow.consider, News(cause="released", release_id=release_id))
    await desk.act(item, Action.TRIAGE)
    assert (await desk.state(item)).status is Status.TRIAGED
    for one in ("need", "feasibility", "impact", "resources"):
        await desk.act(item, Action.ASSESS, assessment=one, verdict="for", text="Fine.")
    await desk.act(item, Action.PLAN)
    for _ in range(3):
        await handle.signal(FeedbackWorkflow.consider, News(cause="released", release_id=release_id))

    async def shipped() -> bool:
        return (await desk.state(item)).status is Status.SHIPPED

    await until(shipped)
    assert set((await told_of(desk.database, "feedback_shipped")).values()) == {1}
