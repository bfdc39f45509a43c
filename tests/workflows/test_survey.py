"""The survey's process on a real server and a real database: everybody is asked once, at their time, whatever fails."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from temporalio.client import Client, WorkflowExecutionStatus

from activities.survey import SurveyActivities
from domain import ids
from domain.account import Role
from domain.errors import Unavailable
from domain.survey.definition import AFTER_RESOLUTION
from domain.survey.messages import Advance, Advanced, SurveyInput
from storage.database import Database, Writer
from storage.survey.commit import advance
from storage.tables.notification import NotificationRow
from storage.tables.survey import SurveyInvitationRow
from tests.replay.stage import Stage, histories, until, working
from tests.rows import insert_invitation
from tests.storage.world import person
from workflows.process import WAKE
from workflows.survey import SurveyWorkflow

LIMIT = 40
PEOPLE = 60


@asynccontextmanager
async def process(stage: Stage, *, failing: float = 0) -> AsyncIterator[str]:
    """A worker of a queue; of its commits, a share fails, some before and some after they are made."""
    chance = random.Random(7)

    async def commit(writer: Writer, wanted: Advance) -> Advanced:
        if chance.random() < failing:
            raise Unavailable("struck", "Before the commit.")
        done = await advance(writer, wanted, mail=False)
        if chance.random() < failing:
            await writer.commit()
            raise Unavailable("struck", "After the commit.")
        return done

    queue = f"test-{uuid4()}"
    activities = SurveyActivities(stage.database, commit)
    async with working(stage, queue, workflows=[SurveyWorkflow], activities=[activities.advance]):
        yield queue


async def wake(stage: Stage, queue: str, workflow_id: str, limit: int | None = None) -> None:
    """As the relay does it, under an id of the test's own."""
    start = SurveyInput(
        survey_id=AFTER_RESOLUTION,
        history_limit=limit,
        linger=timedelta(seconds=2),
        together=timedelta(milliseconds=50),
    )
    await stage.client.start_workflow(
        SurveyWorkflow.run, start, id=workflow_id, task_queue=queue, start_signal=WAKE
    )


async def waiting(database: Database, seconds: Sequence[float]) -> list[UUID]:
    """People who are to be asked in so many seconds from now."""
    now, people = datetime.now(UTC), []
    for after in seconds:
        someone = await person(database, Role.REQUESTER)
        at = now + timedelta(seconds=after)
        fields = {"state": "waiting", "ask_at": at, "next_at": at, "asked_at": None, "closes_at": None}
        await insert_invitation(database, someone, **fields)
        people.append(someone)
    return people


async def asked(database: Database) -> dict[UUID, int]:
    """How many mails each person has."""
    by_person = select(NotificationRow.recipient_id, func.count()).where(NotificationRow.channel == "email")
    async with database.reading() as reader:
        rows = await reader.execute(by_person.group_by(NotificationRow.recipient_id))
        return {row[0]: row[1] for row in rows}


@pytest.mark.parametrize("failing", [0, 0.2])
async def test_a_flood_over_many_runs_with_commits_that_fail_asks_everybody_once(
    temporal: Client, database: Database, failing: float
) -> None:
    stage, chance = Stage(temporal, database), random.Random(3)
    workflow_id = ids.workflow_id("survey", uuid4())
    people = await waiting(database, [chance.uniform(0, 4) for _ in range(PEOPLE)])
    async with process(stage, failing=failing) as queue:
        await wake(stage, queue, workflow_id, LIMIT)

        async def call() -> None:
            for _ in range(20):
                await wake(stage, queue, workflow_id, LIMIT)
                await asyncio.sleep(0.1)

        calling = asyncio.gather(*(call() for _ in range(3)))

        async def everybody() -> bool:
            return len(await asked(database)) == PEOPLE

        await until(everybody)
        await calling
    assert await asked(database) == dict.fromkeys(people, 1)
    assert len(await histories(temporal, workflow_id)) > 1


async def test_each_is_asked_at_their_time_and_the_process_ends_when_nothing_is_left(
    temporal: Client, database: Database
) -> None:
    stage = Stage(temporal, database)
    workflow_id = ids.workflow_id("survey", uuid4())
    await waiting(database, [0.2, 1.0, 1.02, 2.5])
    async with process(stage) as queue:
        await wake(stage, queue, workflow_id)

        async def everybody() -> bool:
            return len(await asked(database)) == 4

        await until(everybody)
        async with database.reading() as reader:
            rows = (await reader.scalars(select(SurveyInvitationRow))).all()
        late = [(row.asked_at - row.ask_at).total_seconds() for row in rows if row.asked_at is not None]
        assert len(late) == 4
        assert all(0 <= one < 5 for one in late), late
        async with database.writing() as writer:
            for row in rows:
                await writer.delete(row)
        await wake(stage, queue, workflow_id)
        handle = temporal.get_workflow_handle(workflow_id)

        async def over() -> bool:
            return (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED

        await until(over)
